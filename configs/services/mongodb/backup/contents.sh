#!/usr/bin/env bash
# What the scratch server holds: collection, number of documents, hash.
. "${BASH_SOURCE[0]%/*}/mongodb.sh"

js scratch

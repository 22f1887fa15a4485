# shellcheck shell=bash
# Sourced by lab/toolchain.sh: Pulumi's CLI and Python language host into .tools/bin.

# The engine starts these by name; pulumi itself comes last, so that its presence means all are there.
PULUMI_PARTS=(pulumi-language-python pulumi-language-python-exec pulumi-resource-pulumi-python pulumi)
MODULES=$CHECKOUT/lab/toolchain

install_pulumi() {
  local inputs version
  version=$(pinned pulumi)
  inputs=$(fingerprint <(echo "$version") "$MODULES"/*/go.mod "$MODULES"/*/go.sum)
  if is_done pulumi "$inputs" && has_pulumi "$TOOLS/bin"; then
    return
  fi
  local staging=$TOOLS/pulumi-staging
  rm -rf "$staging"
  mkdir -p "$staging"
  if link_installed "$version" "$staging"; then
    log "Pulumi: the one already installed on this machine"
  elif official_site_answers && download_official "$version" "$staging"; then
    log "Pulumi: official v$version downloaded"
  else
    build_from_modules "$version" "$staging"
  fi
  "$staging/pulumi" version >/dev/null || die "the pulumi just installed does not start; remove .tools and try again"
  local part
  for part in "${PULUMI_PARTS[@]}"; do
    mv -fT "$staging/$part" "$TOOLS/bin/$part"
  done
  rm -rf "$staging"
  mark_done pulumi "$inputs"
}

# Pulumi logs all it does into PULUMI_HOME/logs: a fifth of a preview's time, and a hundred MB a day of work. No setting
# turns that off; where the folder can't be made it does without. https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/logging/encrypted.go
turn_off_automatic_log() {
  local logs=$PULUMI_HOME/logs
  [[ ! -f $logs ]] || return 0
  mkdir -p "$PULUMI_HOME"
  rm -rf "$logs"
  echo "In place of a folder, this turns off Pulumi's automatic log: docs/decisions/0001-tool-chain.md" >"$logs"
}

# path_without_tools: PATH as it is outside the project's shell.
path_without_tools() {
  local rest=:$PATH:
  rest=${rest//":$CHECKOUT/ops/bin:"/:}
  rest=${rest//":$TOOLS/bin:"/:}
  rest=${rest#:}
  printf '%s\n' "${rest%:}"
}

has_pulumi() {
  local part
  for part in "${PULUMI_PARTS[@]}"; do
    [[ -x $1/$part ]] || return 1
  done
}

# link_installed VERSION INTO: an installed pulumi of the same major version and at least VERSION will do.
link_installed() {
  local found installed part directory
  # shellcheck disable=SC2030,SC2031  # for this question alone
  found=$(PATH=$(path_without_tools) && command -v pulumi) || return 1
  directory=$(dirname "$(readlink -f "$found")")
  [[ $directory != */.tools/bin && $directory != */ops/bin ]] || return 1 # another checkout's comes and goes with it
  installed=$("$found" version 2>/dev/null) || return 1
  installed=${installed#v}
  if [[ ${installed%%.*} != "${1%%.*}" || $(printf '%s\n' "$1" "$installed" | sort -V | head -n 1) != "$1" ]]; then
    log "Pulumi: $found is $installed, $1 or newer is needed; passing it over"
    return 1
  fi
  if ! has_pulumi "$directory"; then
    log "Pulumi: $found has no Python language host beside it; passing it over"
    return 1
  fi
  for part in "${PULUMI_PARTS[@]}"; do
    ln -sf "$directory/$part" "$2/$part"
  done
}

# download_official VERSION INTO: the archive of https://www.pulumi.com/docs/install/, some 150 MB.
download_official() {
  local archive=$2/pulumi.tar.gz
  log "Pulumi: downloading official v$1 (usually under a minute)"
  curl --silent --show-error --fail --location --max-time 600 --speed-limit 100000 --speed-time 20 --output "$archive" \
    "$OFFICIAL_SITE/releases/sdk/pulumi-v$1-$(platform).tar.gz" || return 1
  tar --extract --gzip --file "$archive" --directory "$2" --strip-components=1 --no-same-owner || return 1
  has_pulumi "$2"
}

# build_from_modules VERSION INTO. The language host is older than the CLI because newer ones are not in
# a module that can be had without the whole repository; the engine's protocol is compatible.
build_from_modules() {
  local sdk
  find_go
  grep -q "^require github.com/pulumi/pulumi/pkg/v3 v$1\$" "$MODULES/cli/go.mod" ||
    die "requirements.txt pins pulumi $1, lab/toolchain/cli/go.mod another version; make them agree (and go.sum)"
  log "Pulumi: building v$1 from Go modules (usually 3 to 8 minutes on two cores, less when Go's cache is warm)"
  go_build cli github.com/pulumi/pulumi/pkg/v3/cmd/pulumi "$2/pulumi" \
    -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$1"
  go_build language-host github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python \
    "$2/pulumi-language-python" -ldflags "-s -w"
  sdk=$(GOFLAGS='' GOWORK=off go -C "$MODULES/cli" list -mod=readonly -m -f '{{.Dir}}' github.com/pulumi/pulumi/sdk/v3)
  install -m 0755 "$sdk/python/cmd/pulumi-language-python-exec" "$sdk/python/dist/pulumi-resource-pulumi-python" "$2"
}

# go_build MODULE PACKAGE OUTPUT FLAG…: exactly what the committed go.mod and go.sum say, without a C compiler.
go_build() {
  local module=$1 package=$2 output=$3 record=$TOOLS/pulumi-staging/go-build.log
  shift 3
  GOFLAGS='' GOWORK=off CGO_ENABLED=0 nice go -C "$MODULES/$module" build -mod=readonly -trimpath -buildvcs=false \
    "$@" -o "$output" "$package" >"$record" 2>&1 ||
    die "$(tail -n 15 "$record")
Go could not build $package; check that \`go list -m\` reaches a module proxy and that 5 GB of disk are free"
}

find_go() {
  # shellcheck disable=SC2031
  command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null ||
    die "Go is needed to build Pulumi and is not on PATH or in /usr/local/go; install Go 1.21 or newer, or Pulumi $(pinned pulumi)"
}

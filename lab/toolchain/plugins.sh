# shellcheck shell=bash
# Sourced by lab/toolchain.sh: the resource plugins `command` and `docker` into PULUMI_HOME.

PLUGIN_NAMES=(command docker)

# Official plugins where they can be had, else the project's offline ones; .tools/plugins says which.
# With PLUGINS=official: those, in a PULUMI_HOME of their own.
install_plugins() {
  local inputs
  [[ $KIND =~ ^(any|official|offline)$ ]] || die "PLUGINS=$KIND is not known; use official or offline, or leave it out"
  inputs=$(fingerprint <(pinned pulumi-command && pinned pulumi-docker) "$MODULES/plugins.sh")
  if [[ $KIND == official ]]; then
    is_done official-plugins "$inputs" || install_proof_plugins "$inputs"
  elif ! is_done plugins "$inputs" || [[ $KIND == offline && $(<"$TOOLS/plugins") != offline ]]; then
    install_default_plugins "$inputs"
  fi
}

install_proof_plugins() {
  local from=${OFFICIAL_PLUGINS:-$CHECKOUT/../shared/official-plugins}
  if [[ -x $from/install ]]; then
    log "plugins: official, from $from"
    "$from/install" "$PULUMI_HOME" >&2
  else
    install_official_plugins ||
      die "no official plugins: none in $from or ~/.pulumi, and their download does not answer; name their folder by OFFICIAL_PLUGINS, or leave out PLUGINS=official to use the offline ones"
  fi
  mark_done official-plugins "$1"
}

install_default_plugins() {
  rm -f "$TOOLS/stamps/plugins"
  if [[ $KIND != offline ]] && install_official_plugins; then
    echo official >"$TOOLS/plugins"
  else
    install_offline_plugins
    echo offline >"$TOOLS/plugins"
  fi
  mark_done plugins "$1"
}

# plugins_kind: official or offline.
plugins_kind() { if [[ $KIND == official ]]; then echo official; else cat "$TOOLS/plugins"; fi; }

install_official_plugins() {
  local name version local_file
  for name in "${PLUGIN_NAMES[@]}"; do
    version=$(pinned "pulumi-$name")
    if local_file=$(official_plugin_file "$name" "$version"); then
      log "plugin $name $version: official, from $local_file"
      install_plugin_file "$name" "$version" "$local_file" || return 1
    elif official_site_answers; then
      log "plugin $name $version: downloading the official one (usually seconds)"
      timeout 180 "$TOOLS/bin/pulumi" plugin install resource "$name" "$version" --reinstall >&2 || return 1
    else
      return 1
    fi
  done
}

# official_plugin_file NAME VERSION: one that the operator has already; a script is not an official plugin.
official_plugin_file() {
  local file=$HOME/.pulumi/plugins/resource-$1-v$2/pulumi-resource-$1
  [[ -x $file && $(head -c 2 "$file" | tr -d '\0') != '#!' ]] && printf '%s\n' "$file"
}

install_offline_plugins() {
  local name version
  for name in "${PLUGIN_NAMES[@]}"; do
    version=$(pinned "pulumi-$name")
    log "plugin $name $version: the official one can't be had; installing the project's offline plugin"
    offline_wrapper "$name" >"$TOOLS/pulumi-resource-$name"
    chmod 0755 "$TOOLS/pulumi-resource-$name"
    install_plugin_file "$name" "$version" "$TOOLS/pulumi-resource-$name"
    rm -f "$TOOLS/pulumi-resource-$name"
  done
}

# -P keeps the directory in which the engine starts the plugin out of its import path.
# exec, so that the engine's signals reach the plugin itself.
offline_wrapper() {
  cat <<SCRIPT
#!/bin/sh
# Offline stand-in for Pulumi's $1 plugin, written by lab/toolchain.sh.
PYTHONPATH=$(printf '%q' "$CHECKOUT") exec $(printf '%q' "$TOOLS/venv/bin/python") -P -m lab.plugins.$1 "\$@"
SCRIPT
}

# install_plugin_file NAME VERSION FILE
install_plugin_file() {
  local record
  record=$("$TOOLS/bin/pulumi" plugin install resource "$1" "$2" --file "$3" --reinstall 2>&1) || {
    log "$record"
    log "plugin $1 $2 could not be installed from $3"
    return 1
  }
}

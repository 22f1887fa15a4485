# shellcheck shell=bash
# Sourced by lab/toolchain.sh: .tools/venv from requirements.txt.

install_venv() {
  local inputs venv=$TOOLS/venv
  inputs=$(fingerprint "$REQUIREMENTS")
  if is_done venv "$inputs" && [[ -x $venv/bin/python ]]; then
    return
  fi
  log "Python packages into .tools/venv (usually 1 to 2 minutes, seconds when cached)"
  venv_is_ours || create_venv
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$REQUIREMENTS" >&2 ||
    die "pip could not install requirements.txt (its message is above); check that \`pip download\` reaches a package index"
  mark_done venv "$inputs"
}

# A venv's scripts hold its absolute path: one that came with a copied or moved checkout is of no use.
venv_is_ours() {
  [[ -x $TOOLS/venv/bin/python && -f $TOOLS/venv/bin/pip ]] &&
    [[ $(head -n 1 "$TOOLS/venv/bin/pip") == "#!$TOOLS/venv/bin/python"* ]]
}

create_venv() {
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "python3 is $(python3 --version 2>&1), 3.11 or newer is needed; put a newer python3 first on PATH"
  python3 -m venv --clear "$TOOLS/venv" >&2 ||
    die "python3 -m venv failed (its message is above); on Debian: apt-get install python3-venv"
}

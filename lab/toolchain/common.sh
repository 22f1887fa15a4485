# shellcheck shell=bash
# Sourced by lab/toolchain.sh: places, messages, stamps.

TOOLS=$(readlink -f "$CHECKOUT/.tools") # a link to another checkout's is that one's
REQUIREMENTS=$CHECKOUT/requirements.txt
OFFICIAL_SITE=https://get.pulumi.com # where Pulumi's own installer downloads from
# Pulumi must neither read nor change what the operator keeps in ~/.pulumi.
# Official plugins that were asked for lie apart: both kinds work on one state, one run at a time.
KIND=${PLUGINS:-any}
export PULUMI_HOME=$TOOLS/pulumi-home
[[ $KIND != official ]] || PULUMI_HOME+=-official
export PULUMI_SKIP_UPDATE_CHECK=true

log() { printf 'toolchain: %s\n' "$*" >&2; }

die() {
  log "$*"
  exit 1
}

# pinned NAME: the version that requirements.txt pins.
pinned() {
  local version
  version=$(sed -n "s/^$1==\([0-9][0-9.]*\).*/\1/p" "$REQUIREMENTS")
  [[ -n $version ]] || die "requirements.txt: no exact version of $1; add a line $1==X.Y.Z"
  printf '%s\n' "$version"
}

# fingerprint FILE…: of the files' content and of the checkout's path, since venv and plugins have it baked in.
fingerprint() { { printf '%s\n' "$CHECKOUT" && cat "$@"; } | sha256sum | cut -d' ' -f1; }

# is_done STEP FINGERPRINT: whether the step was finished from just these inputs.
is_done() { [[ -f $TOOLS/stamps/$1 && $(<"$TOOLS/stamps/$1") == "$2" ]]; }

mark_done() { printf '%s\n' "$2" >"$TOOLS/stamps/$1"; }

# Official downloads are worth trying only where the site answers at once.
official_site_answers() {
  command -v curl >/dev/null &&
    curl --silent --fail --location --head --output /dev/null --connect-timeout 4 --max-time 8 \
      "$OFFICIAL_SITE/releases/sdk/pulumi-v$(pinned pulumi)-$(platform).tar.gz"
}

# platform: as Pulumi's archives name it.
platform() {
  case $(uname -m) in
    x86_64) printf 'linux-x64\n' ;;
    aarch64) printf 'linux-arm64\n' ;;
    *) die "no Pulumi for a $(uname -m) processor; use an x86_64 or aarch64 machine" ;;
  esac
}

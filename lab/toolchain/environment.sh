# shellcheck shell=bash
# Sourced by lab/toolchain.sh: what a shell needs so that plain `pulumi` works on a stack.

# print_environment STACK: lines for `eval`. The lab's stack brings its own state and passphrase; those of
# other stacks are the operator's (PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE_FILE, `pulumi login`).
print_environment() {
  local stack=$1 lab_state=file://$CHECKOUT/.lab/state
  [[ -x $TOOLS/bin/pulumi && -d $PULUMI_HOME/plugins ]] || die "the tool chain is not complete; run \`make toolchain\` first"
  # The newest language host that can be built ignores Pulumi.yaml's virtualenv option: the venv comes by PATH.
  print_export PATH "$(path_with_tools)"
  print_export VIRTUAL_ENV "$TOOLS/venv"
  print_export PULUMI_HOME "$PULUMI_HOME"
  print_export PULUMI_SKIP_UPDATE_CHECK true
  print_export PULUMI_PARALLEL 64 # the docker plugin waits a fixed 2 s in each service's refresh
  print_export PULUMI_STACK "$stack"
  if [[ $(plugins_kind) == offline ]]; then
    print_export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION true
  else
    printf 'unset PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION\n'
  fi
  if [[ $stack == lab ]]; then
    print_export PULUMI_BACKEND_URL "$lab_state"
    print_export PULUMI_CONFIG_PASSPHRASE_FILE "$CHECKOUT/.lab/passphrase"
    printf 'unset PULUMI_CONFIG_PASSPHRASE\n' # it would win over the file
  elif [[ ${PULUMI_BACKEND_URL:-} == "$lab_state" ]]; then
    printf 'unset PULUMI_BACKEND_URL PULUMI_CONFIG_PASSPHRASE_FILE\n' # left by an earlier eval for the lab
  fi
}

print_export() { printf 'export %s=%q\n' "$1" "$2"; }

# path_with_tools: PATH with our own `pulumi`, the venv and .tools/bin first, once.
path_with_tools() {
  local rest=:$PATH: directory first=("$CHECKOUT/ops/bin" "$TOOLS/venv/bin" "$TOOLS/bin")
  for directory in "${first[@]}"; do
    rest=${rest//":$directory:"/:}
  done
  rest=${rest#:}
  printf '%s\n' "$(IFS=: && echo "${first[*]}"):${rest%:}"
}

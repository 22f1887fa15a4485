# shellcheck shell=bash disable=SC2034  # migrate.sh reads them
# Which versions are to be applied. Pure.

# decide_versions KNOWN APPLIED: words `<number>:<checksum>`, ascending. Sets TODO (numbers), or WRONG (a sentence).
# What the database has beyond KNOWN was applied by a later release, which was rolled back: it stays.
decide_versions() {
  local word number before=0
  local -A applied=()
  TODO='' WRONG=''
  for word in $2; do applied[${word%%:*}]=${word#*:}; done
  for word in $1; do
    number=${word%%:*}
    if ((number != before + 1)); then WRONG="version $((before + 1)) is missing"; return; fi
    before=$number
    if [[ -z ${applied[$number]:-} ]]; then
      TODO+="${TODO:+ }$number"
    elif [[ -n $TODO ]]; then
      WRONG="the database has version $number, and not ${TODO##* }"; TODO=''; return
    elif [[ ${applied[$number]} != "${word#*:}" ]]; then
      WRONG="version $number was changed after it was applied; put it back and add a new version"; return
    fi
  done
}

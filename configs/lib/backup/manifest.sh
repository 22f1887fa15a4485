# shellcheck shell=bash
# Backups and their manifests: JSON without a JSON program. What is asked for are texts and two lists of a known shape;
# a quote inside a text always has a backslash before it. Sourced by lib.sh. FOLDER is a backup's own.
readonly TEXT='"([^"\\]|\\.)*"'

# json_text TEXT: sets QUOTED, as jq and JSON.stringify write it; other control characters become a `?`.
json_text() {
  QUOTED=${1//\\/\\\\} QUOTED=${QUOTED//\"/\\\"} QUOTED=${QUOTED//$'\n'/\\n} QUOTED=${QUOTED//$'\t'/\\t}
  QUOTED=\"${QUOTED//[[:cntrl:]]/?}\"
}
# one_line FOLDER: sets MANIFEST; JSON has line ends only between its parts. Two states of older versions are unproven.
one_line() {
  MANIFEST=$(<"$1/manifest.json") && MANIFEST=${MANIFEST//$'\n'/ }
  MANIFEST=${MANIFEST/'"state":"new"'/'"state":"unproven"'}
  MANIFEST=${MANIFEST/'"state":"bad","why":"not proven yet"'/'"state":"unproven"'}
}
# field FOLDER NAME: a text of the manifest as it is written there, or nothing.
field() {
  local MANIFEST pattern='[{,] *"'$2'": *"(([^"\\]|\\.)*)"'
  one_line "$1"
  [[ ! $MANIFEST =~ $pattern ]] || printf '%s\n' "${BASH_REMATCH[1]}"
}

state_of() { field "$1" state; }

# backups: the IDs, oldest first.
is_backup() { [[ $1 =~ ^[0-9]{8}T[0-9]{6}Z$ && -f $STORE/$1/manifest.json ]]; }
backups() { local folder; for folder in "$STORE"/[0-9]*Z; do ! is_backup "${folder##*/}" || echo "${folder##*/}"; done; }
known_backup() { is_backup "$1" || fail 2 "backup '$1': there is none; see: python -m ops backups $DATA"; }

# entries: lines `name rows checksum` (tabs between) on stdin as JSON; entries_of FOLDER: the manifest's.
entries() {
  local name rows checksum QUOTED
  while IFS=$'\t' read -r name rows checksum; do
    json_text "$name" && printf '{"name":%s,"rows":%s,"checksum":"%s"}\n' "$QUOTED" "$rows" "$checksum"
  done
}
entries_of() {
  tr '\n' ' ' <"$1/manifest.json" | grep -oE "\{ *\"name\": *$TEXT, *\"rows\": *[0-9]+, *\"checksum\": *\"[^\"]*\"" |
    sed -E "s/^\{ *\"name\": *($TEXT), *\"rows\": *([0-9]+), *\"checksum\": *(\"[^\"]*\")\$/{\"name\":\1,\"rows\":\3,\"checksum\":\4}/" || true
}
# names_of FOLDER: the databases, each once: what stands before the first dot of a name.
names_of() { entries_of "$1" | sed -E 's/^\{"name":"(([^".\\]|\\.)*).*/\1/; s/\\(["\\])/\1/g' | sort -u; }

# described FILE: its bytes and sha256 as JSON.
described() { local sum; sum=$(sha256sum <"$1") && printf '{"bytes":%s,"sha256":"%s"}' "$(stat -c %s "$1")" "${sum%% *}"; }
# write_manifest FOLDER ID REASON: from WORK/notes (lines `key=value`) and, where the dump gave them, WORK/contents.
write_manifest() {
  local key value file QUOTED files=''
  for file in "$1"/*; do files+=",\"${file##*/}\":$(described "$file")"; done
  {
    printf '{"id":"%s","service":"%s","made_at":"%(%FT%TZ)T","reason":"%s"' "$2" "$DATA" -1 "$3"
    while IFS='=' read -r key value; do json_text "$value" && printf ',"%s":%s' "$key" "$QUOTED"; done <"$WORK/notes"
    [[ ! -f $WORK/contents ]] || printf ',"contents":[%s]' "$(entries <"$WORK/contents" | paste -sd,)"
    printf ',"files":{%s},"state":"unproven"}\n' "${files#,}"
  } >"$1/manifest.json"
}

# note FOLDER [KEY JSON]…: replaces texts of the manifest in one step; an empty one goes. The rest stays as it is.
note() {
  local folder=$1 pattern MANIFEST
  one_line "$folder"
  shift
  while (($#)); do
    pattern=", *\"$1\": *$TEXT"
    [[ ! $MANIFEST =~ $pattern ]] || MANIFEST=${MANIFEST/"${BASH_REMATCH[0]}"/}
    [[ -z $2 ]] || MANIFEST="${MANIFEST%\}*},\"$1\":$2}"
    shift 2
  done
  printf '%s\n' "$MANIFEST" >"$folder/manifest.new" && sync "$folder/manifest.new"
  mv "$folder/manifest.new" "$folder/manifest.json"
}
# set_state FOLDER STATE [WHY]
set_state() {
  local now QUOTED
  printf -v now '"%(%FT%TZ)T"' -1
  if [[ $2 == proven ]]; then note "$1" why '' state '"proven"' proven_at "$now"; return; fi
  json_text "${3//[^[:print:]]/?}" && note "$1" state "\"$2\"" why "$QUOTED"
}

# files_differ FOLDER: the files that are not as the manifest describes them, in one line, or nothing.
files_differ() {
  local name wanted list
  list=$(tr -d ' \n' <"$1/manifest.json" | grep -oE '"[A-Za-z0-9._-]+":\{"bytes":[0-9]+,"sha256":"[0-9a-f]+"\}') || list='"manifest.json":{'
  while IFS='"' read -r _ name wanted; do [[ :$(described "$1/$name" 2>/dev/null) == "$wanted" ]] || printf '%s ' "$name"; done <<<"$list"
}

# prove FOLDER: its files, then a restore into the scratch server, which stays, then what that holds. Sets WHY and is 1
# when the backup is damaged, 3 when nothing was found out. A dump that gave no contents gets those of its first restore.
prove() {
  local code
  WHY=$(files_differ "$1")
  [[ -z $WHY ]] || { WHY="files differ from the manifest: ${WHY% }"; return 1; }
  stop_scratch
  hook load "$1" 2>"$WORK/load" || { code=$?; WHY="does not load: $(tail -n 1 "$WORK/load")"; return $((code == 3 ? 3 : 1)); }
  hook contents >"$WORK/found" || { WHY="the scratch server can't be asked"; return 3; }
  one_line "$1"
  [[ $MANIFEST == *'"contents":'* ]] || note "$1" contents "[$(entries <"$WORK/found" | paste -sd,)]"
  WHY=$(sort <(entries_of "$1") <(entries <"$WORK/found") | uniq -u | sed -E 's/^\{"name":"(([^"\\]|\\.)*)".*/\1/' | sort -u | paste -sd' ')
  [[ -z $WHY ]] || { WHY="restored, it differs in: $WHY"; return 1; }
}

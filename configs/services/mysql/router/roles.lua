-- Which member is what, as the PRIMARY tells it on port 8305: `VIEW MEMBER=ROLE …`, ROLE being PRIMARY,
-- SECONDARY or NONE. A message with a PRIMARY is the table of a whole group; one without is a member that gives up its own role.
-- https://www.arpalert.org/src/haproxy-lua-api/3.2/index.html

-- A table is good for so long. The PRIMARY tells it every five seconds; handing over blocks it for 15 s at most.
local LEASE_S = 20
-- A client may wait for a PRIMARY to be known: a router that has just started, members that hand over.
local PATIENCE_MS, STEP_MS = 5000, 100
local BACKENDS = { primary = "PRIMARY", secondaries = "SECONDARY" }

local roles, told_s, view = {}, 0, nil

local function each_server(member, change)
  for name, wanted in pairs(BACKENDS) do
    local server = core.backends[name].servers[member]
    if server then change(server, wanted) end
  end
end

-- on-marked-down shutdown-sessions ends the sessions of a server in maintenance.
local function set_role(member, role)
  if roles[member] == role then return end
  each_server(member, function(server, wanted)
    if role == wanted then server:set_ready() else server:set_maint() end
  end)
  roles[member] = role
end

-- A view of group replication is `<time of bootstrap>:<number>`; later ones are greater as text. A PRIMARY that was
-- frozen tells of an old one.
local function parse_view(text)
  local group, number = text:match("^(%d+):(%d+)$")
  return group and ("%020d:%020d"):format(group, number)
end

local function take(line)
  local text, members = line:match("^(%S+)(.*)%s$")
  local new_view = parse_view(text or "")
  if not new_view then return "refused: no view of the group" end
  if (members .. " "):find("=PRIMARY ", 1, true) then
    if view and new_view < view then return "refused: an older view of the group" end
    view, told_s = new_view, core.now().sec
  end
  -- Nobody is the new PRIMARY before the old one is none.
  for member, role in members:gmatch("([%w-]+)=(%u+)") do if role ~= "PRIMARY" then set_role(member, role) end end
  for member, role in members:gmatch("([%w-]+)=(%u+)") do if role == "PRIMARY" then set_role(member, role) end end
  return "told"
end

-- Behind `verify required`: only a member gets here.
core.register_service("roles", "tcp", function(applet)
  while true do
    local line = applet:getline()
    if not line or line:sub(-1) ~= "\n" then return end
    applet:send(take(line) .. "\n")
  end
end)

-- A table that nobody repeats: sessions stay, new ones are not sent to any member.
core.register_task(function()
  while true do
    core.sleep(1)
    if view and core.now().sec - told_s > LEASE_S then
      core.Warning("nobody has told the members' roles for " .. LEASE_S .. " s")
      for member in pairs(roles) do each_server(member, function(server) server:set_drain() end) end
      roles, view = {}, nil
    end
  end
end)

local function primary_is_known()
  for _, role in pairs(roles) do if role == "PRIMARY" then return true end end
  return false
end

core.register_action("await_primary", { "tcp-req" }, function()
  for _ = 1, PATIENCE_MS // STEP_MS do
    if primary_is_known() then return end
    core.msleep(STEP_MS)
  end
end, 0)

--- The settings: their defaults, and what is wrong with those that the user gave.
---
--- An invalid value is named and ignored, and the rest is honoured. What concerns the model, the daemon
--- or the kind of suggestions is not here but in foretype's own configuration file, or in `settings`,
--- which is passed on to the server as it is.

local M = {}

---@class foretype.Keys
---@field accept string|false takes the whole suggestion; jumps to the next edit, then takes it
---@field accept_word string|false takes its next word
---@field accept_line string|false takes its next line
---@field next string|false shows another suggestion
---@field previous string|false shows the one before
---@field dismiss string|false sends the suggestion away, or the next edit and all of its pattern
---@field dismiss_edit string|false the same for the next edit, in normal mode
---@field trigger string|false asks for suggestions now

---@class foretype.Config
---@field cmd string[]|fun(...): table the command that starts the language server, or what stands in for it
---@field enabled boolean whether suggestions are on when Neovim starts
---@field auto boolean whether they come while typing; otherwise only with the trigger key
---@field debounce_ms integer pause in typing, in ms, after which a suggestion is asked for
---@field filetypes table<string, boolean> which file types get suggestions; '*' stands for those not named
---@field max_bytes integer buffers larger than this many bytes get no suggestions
---@field menu 'show'|'hide' whether suggestions are shown while the completion menu is open
---@field edits boolean whether next edits are proposed
---@field edit_sign string what marks a next edit in the sign column, one or two cells; '' for nothing
---@field builtin boolean let Neovim 0.12 draw the suggestions itself (fewer keys work)
---@field root_markers string[] what marks the top folder of a workspace
---@field keys foretype.Keys
---@field settings table the server's settings, passed on as they are
M.defaults = {
  cmd = { 'foretype', 'lsp' },
  enabled = true,
  auto = true,
  debounce_ms = 15,
  filetypes = { ['*'] = true },
  max_bytes = 1000000,
  menu = 'show',
  edits = true,
  edit_sign = '▸',
  builtin = false,
  root_markers = { '.git', '.hg', '.jj', 'pyproject.toml', 'package.json', 'Cargo.toml', 'go.mod' },
  keys = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-C-Right>',
    next = '<M-]>',
    previous = '<M-[>',
    dismiss = '<C-]>',
    dismiss_edit = '<Esc>',
    trigger = '<M-\\>',
  },
  settings = {},
}

---@type foretype.Config
M.current = vim.deepcopy(M.defaults)

--- What was wrong with the user's settings, a sentence each; shown by :checkhealth too.
---@type string[]
M.complaints = {}

local function strings(value)
  if type(value) ~= 'table' or #value == 0 then
    return false
  end
  for _, one in ipairs(value) do
    if type(one) ~= 'string' then
      return false
    end
  end
  return true
end

local function is(kind)
  return function(value)
    return type(value) == kind
  end
end

local function whole(least, most)
  return function(value)
    return type(value) == 'number' and value == math.floor(value) and value >= least and value <= most
  end
end

local function key(value)
  return value == false or (type(value) == 'string' and value ~= '')
end

local function switches(value)
  if type(value) ~= 'table' then
    return false
  end
  for name, on in pairs(value) do
    if type(name) ~= 'string' or type(on) ~= 'boolean' then
      return false
    end
  end
  return true
end

local function menu(value)
  return value == 'show' or value == 'hide'
end

-- name: { check, what is wanted }
local wanted = {
  cmd = {
    function(value)
      return type(value) == 'function' or strings(value)
    end,
    'a list of strings, the command and its arguments',
  },
  enabled = { is('boolean'), 'true or false' },
  auto = { is('boolean'), 'true or false' },
  debounce_ms = { whole(0, 5000), 'a whole number of milliseconds from 0 to 5000' },
  filetypes = { switches, 'a table such as { markdown = false }' },
  max_bytes = { whole(1, 1e9), 'a whole number of bytes' },
  menu = { menu, "'show' or 'hide'" },
  edits = { is('boolean'), 'true or false' },
  edit_sign = {
    function(value)
      return type(value) == 'string' and vim.fn.strdisplaywidth(value) <= 2
    end,
    'one or two cells of text',
  },
  builtin = { is('boolean'), 'true or false' },
  root_markers = { strings, 'a list of file names' },
  keys = { is('table'), "a table such as { accept = '<C-f>', dismiss = false }" },
  settings = { is('table'), "a table of the server's settings" },
}

---@param given any what the user passed to setup()
---@return foretype.Config settings with a sound value for everything
---@return string[] complaints a sentence for each value that was ignored
function M.resolve(given)
  local settings, complaints = vim.deepcopy(M.defaults), {}
  if given == nil then
    return settings, complaints
  end
  if type(given) ~= 'table' then
    return settings, { 'foretype: the settings must be a table; they are ignored.' }
  end
  local function complain(name, what)
    complaints[#complaints + 1] = ("foretype: '%s' must be %s; it is ignored."):format(name, what)
  end
  for name, value in vim.spairs(given) do
    local rule = wanted[name]
    if not rule then
      complaints[#complaints + 1] = ("foretype: there is no setting '%s'; it is ignored."):format(name)
    elseif not rule[1](value) then
      complain(name, rule[2])
    elseif name == 'keys' then
      for action, lhs in vim.spairs(value) do
        if settings.keys[action] == nil then
          complaints[#complaints + 1] = ("foretype: there is no key '%s'; it is ignored."):format(action)
        elseif not key(lhs) then
          complain('keys.' .. action, "a key such as '<Tab>', or false")
        else
          settings.keys[action] = lhs
        end
      end
    elseif name == 'filetypes' then
      settings.filetypes = vim.tbl_extend('force', settings.filetypes, value)
    else
      settings[name] = vim.deepcopy(value)
    end
  end
  return settings, complaints
end

--- Put the user's settings in force.
---@param given any
function M.set(given)
  M.current, M.complaints = M.resolve(given)
end

return M

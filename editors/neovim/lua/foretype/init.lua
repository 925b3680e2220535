--- foretype for Neovim: what users and other plugins call. See :help foretype.
---
--- It loads the parts, hands calls on to them, and does nothing else.

local M = {}

local started = false

--- Take settings and start. Calling it is optional: without, `vim.g.foretype` holds the settings, if any.
---@param settings? table see :help foretype-settings
function M.setup(settings)
  if vim.fn.has('nvim-0.10') == 0 then
    return
  end
  local config = require('foretype.config')
  config.set(settings or vim.g.foretype)
  for _, complaint in ipairs(config.complaints) do
    vim.notify(complaint, vim.log.levels.WARN)
  end
  require('foretype.suggest').enabled = config.current.enabled
  require('foretype.keys').define()
  require('foretype.keys').map(config.current.keys, config.current.edits)
  require('foretype.events').listen()
  require('foretype.client').start()
  started = true
end

--- Start with `vim.g.foretype`, unless setup() did already.
function M.start()
  if not started then
    M.setup()
  end
end

for _, action in ipairs({ 'accept_word', 'accept_line', 'next', 'previous', 'trigger' }) do
  --- See the keys of the same names.
  M[action] = function()
    return require('foretype.suggest')[action]()
  end
end

--- Take the suggestion; or jump to the next edit, or take it where the cursor is there.
---@return boolean whether there was one
function M.accept()
  return require('foretype.suggest').accept() or require('foretype.edits').accept()
end

--- Send the suggestion away, or else the next edit and all of its pattern.
function M.dismiss()
  if require('foretype.suggest').visible() or not require('foretype.edits').dismiss() then
    require('foretype.suggest').dismiss()
  end
end

--- Send the next edit away, and all of its pattern for this session.
function M.dismiss_edit()
  require('foretype.edits').dismiss()
end

--- Whether ghost text is shown at the cursor, or a next edit is proposed: for mappings of your own.
---@return boolean
function M.visible()
  return require('foretype.suggest').visible() or require('foretype.edits').visible()
end

--- What foretype is doing.
---@return foretype.Status
function M.status()
  return require('foretype.client').status
end

--- A few characters for a status line; '' where no server runs for the buffer.
---@return string
function M.statusline()
  return require('foretype.status').line()
end

return M

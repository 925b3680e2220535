--- A source for nvim-cmp: the suggestion as an entry of its menu. See :help foretype-cmp.

---@class foretype.CmpSource
local Source = {}
Source.__index = Source

function Source.new()
  return setmetatable({}, Source)
end

function Source:is_available()
  return require('foretype.client').is_code(vim.api.nvim_get_current_buf())
end

function Source:get_position_encoding_kind()
  local server = require('foretype.client').get(vim.api.nvim_get_current_buf())
  return server and server.offset_encoding or 'utf-16'
end

function Source:complete(params, callback)
  local cursor = params.context.cursor
  require('foretype.inline').items(params.context.bufnr, cursor.row - 1, cursor.col - 1, function(items)
    callback({ items = items, isIncomplete = true })
  end)
end

function Source:execute(item, callback)
  if item.command then
    local name = item.command.command:gsub('^foretype%.', '')
    require('foretype.client').execute(name, item.command.arguments)
  end
  callback(item)
end

return Source

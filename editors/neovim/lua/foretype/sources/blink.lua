--- A source for blink.cmp: the suggestion as an entry of its menu. See :help foretype-blink.

---@class foretype.BlinkSource
local Source = {}
Source.__index = Source

function Source.new()
  return setmetatable({}, Source)
end

function Source:enabled()
  return require('foretype.client').is_code(vim.api.nvim_get_current_buf())
end

function Source:get_completions(context, callback)
  local row, col = context.cursor[1] - 1, context.cursor[2]
  return require('foretype.inline').items(context.bufnr, row, col, function(items)
    local server = require('foretype.client').get(context.bufnr)
    for _, item in ipairs(items) do
      item.client_id = server and server.id -- from which blink.cmp takes the encoding of positions
    end
    callback({ items = items, is_incomplete_forward = true, is_incomplete_backward = true })
  end)
end

function Source:execute(context, item, callback, default_implementation)
  if default_implementation then
    default_implementation()
  end
  if item.command then
    local name = item.command.command:gsub('^foretype%.', '')
    require('foretype.client').execute(name, item.command.arguments, nil, context.bufnr)
  end
  callback()
end

return Source

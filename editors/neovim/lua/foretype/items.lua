--- The server's items as suggestions. Whatever makes no sense for the cursor's line is dropped without a word.
---
--- Pure functions; nothing here looks at a buffer.

local client = require('foretype.client')
local fit_of = require('foretype.fit')

local M = {}

local function item_id(item)
  local command = type(item.command) == 'table' and item.command or {}
  local arguments = type(command.arguments) == 'table' and command.arguments or {}
  return type(arguments[1]) == 'string' and arguments[1] or ''
end

--- An item of the server as a suggestion; nil when it makes no sense for the cursor's line.
local function suggestion_of(item, row, col, line, encoding)
  local text = type(item) == 'table' and item.insertText
  if type(text) ~= 'string' or text == '' or text:find('%z') then
    return nil
  end
  local first, last = col, col
  local range = item.range
  if type(range) == 'table' then
    local start, stop = range.start, range['end']
    if start.line ~= row or stop.line ~= row or start.character > stop.character then
      return nil
    end
    first = client.byte_column(line, range.start.character, encoding)
    last = client.byte_column(line, range['end'].character, encoding)
  end
  if first > col or last < col then
    return nil
  end
  return {
    id = item_id(item),
    text = (text:gsub('\r\n?', '\n')),
    row = row,
    col = first,
    before = line:sub(1, first),
    replaced = line:sub(col + 1, last),
    after = line:sub(last + 1),
    item = item,
  }
end

--- The suggestions among a server's answer that fit where they were asked for.
---@param result any what the server answered
---@param line string the cursor's line
---@param row integer 0-based
---@param col integer byte column
---@param encoding string how the server counts columns
---@return foretype.Suggestion[]
function M.suggestions(result, line, row, col, encoding)
  local found = {}
  for _, item in ipairs(type(result) == 'table' and (result.items or result) or {}) do
    local suggestion = suggestion_of(item, row, col, line, encoding)
    if suggestion and fit_of.at(suggestion, { line }, row, col) then
      found[#found + 1] = suggestion
    end
  end
  return found
end

return M

--- What happens when a suggestion is taken: text goes into the buffer, and the server is told how much of it.
---
--- It decides neither which suggestion nor how much.

local client = require('foretype.client')
local fit_of = require('foretype.fit')
local imports = require('foretype.imports')

local M = {}

--- Insert a piece of a suggestion at the cursor, in place of what that piece replaces, and go behind it.
---@param piece string
---@param fit foretype.Fit
function M.insert(piece, fit)
  local place = vim.api.nvim_win_get_cursor(0)
  local row, col = place[1] - 1, place[2]
  local gone = fit_of.consumed(fit, piece)
  local lines = vim.split(piece, '\n', { plain = true })
  vim.api.nvim_buf_set_text(0, row, col, row, col + gone, lines)
  local last = #lines > 1 and #lines[#lines] or col + #piece
  vim.api.nvim_win_set_cursor(0, { row + #lines, last })
end

--- Tell the server that the whole of a suggestion was taken, in the way that the suggestion itself asks for.
---@param buffer integer
---@param suggestion foretype.Suggestion
function M.tell_whole(buffer, suggestion)
  local server, command = client.get(buffer), imports.without(suggestion.item).command
  if server and type(command) == 'table' and type(command.command) == 'string' then
    local params = { command = command.command, arguments = command.arguments }
    client.request(server, 'workspace/executeCommand', params, buffer, function() end)
  end
end

--- Tell the server how much of a suggestion was taken so far.
---@param buffer integer
---@param suggestion foretype.Suggestion
---@param taken string the suggestion's beginning that now stands in the buffer
function M.tell_part(buffer, suggestion, taken)
  local server = client.get(buffer)
  local text = suggestion.item.insertText
  if type(text) == 'string' and text:find('\r\n', 1, true) then
    taken = taken:gsub('\n', '\r\n') -- lengths are those of the server's text
  end
  if server then
    client.notify(server, 'textDocument/didPartiallyAcceptCompletion', {
      item = imports.without(suggestion.item),
      acceptedLength = client.character(taken, #taken, 'utf-16'),
    })
  end
end

return M

--- One request for inline completions on behalf of completion plugins, apart from the ghost text's own.
---
--- It turns the first suggestion into a completion item; what the plugins do with that is theirs.

local client = require('foretype.client')

local M = {}

--- Ask for the cursor's place; `answer(items)` gets LSP completion items, an empty list when there are none.
---@param buffer integer
---@param row integer 0-based
---@param col integer byte column
---@param answer fun(items: table[])
---@return fun() cancel
function M.items(buffer, row, col, answer)
  local server = client.get(buffer)
  if not server or client.refused(buffer) or not require('foretype.suggest').enabled then
    answer({})
    return function() end
  end
  local line = vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1] or ''
  local position = { line = row, character = client.character(line, col, server.offset_encoding) }
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    position = position,
    context = { triggerKind = 2 },
    formattingOptions = client.formatting_options(buffer),
  }
  local id = client.request(server, 'textDocument/inlineCompletion', params, buffer, function(result)
    local found = {}
    for _, item in ipairs(type(result) == 'table' and (result.items or result) or {}) do
      found[#found + 1] = M.as_completion(item, line, position, col, server.offset_encoding)
    end
    answer(found)
  end)
  return function()
    if id then
      client.cancel(server, id)
    end
  end
end

--- A suggestion as an LSP completion item that replaces the word in front of the cursor by itself and more.
---@param item table
---@param line string
---@param position table
---@param col integer byte column of the cursor
---@param encoding string
---@return table
function M.as_completion(item, line, position, col, encoding)
  local word = vim.fn.matchstr(line:sub(1, col), [[\k*$]])
  local range = vim.deepcopy(item.range or { start = position, ['end'] = position })
  if range.start.character == position.character then
    range.start.character = position.character - client.character(word, #word, encoding)
  else
    word = ''
  end
  local text = word .. item.insertText
  local first = vim.split(vim.trim(text), '\n', { plain = true })[1]
  return {
    label = first,
    kind = vim.lsp.protocol.CompletionItemKind.Text,
    filterText = text,
    insertTextFormat = vim.lsp.protocol.InsertTextFormat.PlainText,
    textEdit = { newText = text, range = range },
    documentation = text,
    command = item.command,
  }
end

return M

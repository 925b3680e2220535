--- The server's next edits as edits of buffers. Whatever makes no sense for a buffer's text is dropped without a word.
---
--- It looks at buffers and changes none; what becomes of an edit is decided elsewhere.

local client = require('foretype.client')

local M = {}

---@class foretype.Edit
---@field id string the server's name for it; '' when it has none
---@field buffer integer|nil nil where the file isn't open
---@field file string the path of the file that it is about
---@field tick integer the buffer's changedtick that it is about
---@field from integer the buffer that it was asked from
---@field row integer 0-based row where it begins
---@field col integer byte column
---@field last_row integer
---@field last_col integer byte column behind its end
---@field text string what comes, lines parted by '\n'
---@field item table as the server sent it
---@field told boolean the server knows that it was shown

local function tick(buffer)
  return vim.api.nvim_buf_get_changedtick(buffer)
end

-- A position of the protocol in a buffer, moved inside where it lies outside.
local function place_of(buffer, position, encoding)
  local count = vim.api.nvim_buf_line_count(buffer)
  if position.line >= count then
    local line = vim.api.nvim_buf_get_lines(buffer, count - 1, count, false)[1]
    return count - 1, #line, true
  end
  local line = vim.api.nvim_buf_get_lines(buffer, position.line, position.line + 1, false)[1]
  return position.line, client.byte_column(line, position.character, encoding), false
end

local function id_of(item)
  local command = type(item.command) == 'table' and item.command or {}
  local arguments = type(command.arguments) == 'table' and command.arguments or {}
  return type(arguments[1]) == 'string' and arguments[1] or ''
end

-- Whether a buffer still has the text that an item of the server is about.
local function is_current(item, buffer, asked)
  if buffer == asked.buffer then
    return tick(buffer) == asked.tick
  end
  local version = item.textDocument.version
  return version == tick(buffer) or (version == 0 and not vim.bo[buffer].modified)
end

-- The loaded buffer of a file.
local function open_buffer(file)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) == file then
      return buffer
    end
  end
end

-- The same edit with its range in the buffer's text; nil where that runs backwards.
local function placed(edit, range, encoding)
  local beyond, end_beyond
  edit.row, edit.col, beyond = place_of(edit.buffer, range.start, encoding)
  edit.last_row, edit.last_col, end_beyond = place_of(edit.buffer, range['end'], encoding)
  if end_beyond and edit.text:sub(-1) == '\n' then
    edit.text = edit.text:sub(1, -2) -- a buffer's last line ends by itself
    edit.text = beyond and '\n' .. edit.text or edit.text
  end
  if edit.row > edit.last_row or (edit.row == edit.last_row and edit.col > edit.last_col) then
    return nil
  end
  return edit
end

--- An item of the server as an edit; nil where it makes no sense, or is about another text than stands there.
---@param item any
---@param asked {client: table, buffer: integer, tick: integer} what was asked
---@return foretype.Edit|nil
function M.read(item, asked)
  local range = type(item) == 'table' and item.range
  if type(range) ~= 'table' or type(item.text) ~= 'string' or item.text:find('%z') then
    return nil
  end
  local uri = type(item.textDocument) == 'table' and item.textDocument.uri or vim.uri_from_bufnr(asked.buffer)
  local known, file = pcall(vim.uri_to_fname, uri)
  local buffer = uri == vim.uri_from_bufnr(asked.buffer) and asked.buffer or known and open_buffer(file) or nil
  local edit = {
    id = id_of(item),
    buffer = buffer,
    file = known and file or '',
    tick = buffer and tick(buffer) or 0,
    from = asked.buffer,
    row = range.start.line,
    col = 0,
    last_row = range.start.line,
    last_col = 0,
    text = (item.text:gsub('\r\n?', '\n')),
    item = item,
    told = false,
  }
  if not buffer then
    return known and vim.fn.filereadable(file) == 1 and edit or nil
  end
  if not client.is_code(buffer) or not is_current(item, buffer, asked) then
    return nil
  end
  return placed(edit, range, asked.client.offset_encoding)
end

return M

--- Imports that a suggestion brings with it: asked for once its text is in the buffer, and put in as one change
--- with it, so that one undo takes both back.
---
--- Which import that is, and where it goes, is the server's business.

local client = require('foretype.client')

local M = {}

local TRIES = 3

--- What an item's command says about imports; nil when it needs none.
local function wanted(suggestion)
  local command = type(suggestion.item.command) == 'table' and suggestion.item.command or {}
  local argument = type(command.arguments) == 'table' and command.arguments[2] or nil
  if type(argument) == 'table' and type(argument.imports) == 'table' then
    return argument
  end
end

--- The item as the server is told of it where the imports are ours to add: its command has the id alone.
---@param item table
---@return table
function M.without(item)
  if type(item.command) ~= 'table' or type(item.command.arguments) ~= 'table' then
    return item
  end
  local bare = vim.deepcopy(item)
  bare.command.arguments = { item.command.arguments[1] }
  return bare
end

--- Put edits into a buffer. After insert mode they still belong to what was done in it.
local function apply(buffer, edits, encoding)
  local tree = vim.api.nvim_buf_call(buffer, vim.fn.undotree)
  if vim.api.nvim_get_mode().mode:sub(1, 1) ~= 'i' and tree.seq_cur == tree.seq_last then
    vim.api.nvim_buf_call(buffer, function()
      pcall(vim.cmd.undojoin)
    end)
  end
  local before = vim.api.nvim_buf_line_count(buffer)
  vim.lsp.util.apply_text_edits(edits, buffer, encoding)
  return vim.api.nvim_buf_line_count(buffer) - before
end

--- Have added what the beginning of a suggestion that now stands in the buffer needs.
---@param buffer integer
---@param suggestion foretype.Suggestion
---@param taken string that beginning
---@param done fun(row: integer, lines: integer) called with where lines were added, 0-based, and how many
function M.add(buffer, suggestion, taken, done)
  local argument = wanted(suggestion)
  if not argument then
    return
  end
  local there = suggestion.before .. taken
  local needed = vim.tbl_filter(function(one)
    return type(one) == 'table' and there:find('%f[%w_]' .. vim.pesc(tostring(one.name)) .. '%f[^%w_]') ~= nil
  end, argument.imports)
  if #needed == 0 then
    return
  end
  local asked = { uri = argument.uri, imports = needed }
  local function try(left)
    local tick = vim.api.nvim_buf_get_changedtick(buffer)
    client.execute('importEdits', { asked }, function(answer)
      if type(answer) ~= 'table' or type(answer.edits) ~= 'table' or not vim.api.nvim_buf_is_loaded(buffer) then
        return
      end
      if vim.uri_to_bufnr(answer.uri) ~= buffer then
        return
      end
      if vim.api.nvim_buf_get_changedtick(buffer) ~= tick then
        if left > 1 then
          try(left - 1)
        end
        return
      end
      local server = client.get(buffer)
      if server then
        local lines = apply(buffer, answer.edits, server.offset_encoding)
        done(answer.edits[1].range.start.line, lines)
      end
    end, buffer)
  end
  try(TRIES)
end

return M

--- What happens in Neovim, handed on to those whom it concerns. It holds no state and decides nothing.

local client = require('foretype.client')
local edit_view = require('foretype.edit_view')
local edits = require('foretype.edits')
local ghost = require('foretype.ghost')
local rest = require('foretype.rest')
local suggest = require('foretype.suggest')

local M = {}

--- Tell the server which document is looked at.
local function focused(buffer)
  local server = client.get(buffer)
  if server and server.initialized and client.is_code(buffer) then
    client.notify(server, 'textDocument/didFocus', { textDocument = { uri = vim.uri_from_bufnr(buffer) } })
  end
end

--- Listen.
function M.listen()
  local group = vim.api.nvim_create_augroup('foretype.suggest', {})
  local function on(events, desc, callback)
    vim.api.nvim_create_autocmd(events, { group = group, desc = 'foretype: ' .. desc, callback = callback })
  end
  on({ 'TextChangedI', 'TextChangedP' }, 'the text has changed', suggest.changed)
  on('CursorMovedI', 'the cursor has moved', suggest.moved)
  on('CompleteDone', 'the menu has closed', function()
    vim.schedule(suggest.changed)
  end)
  on('InsertEnter', 'somebody begins to write', suggest.entered)
  on('LspAttach', 'a language server has come', function(event)
    local server = client.get(event.buf)
    if server and server.id == event.data.client_id then
      suggest.attached(event.buf)
    end
  end)
  -- Ctrl-C ends insert mode without InsertLeave.
  vim.api.nvim_create_autocmd('ModeChanged', {
    group = group,
    pattern = 'i*:[^i]*',
    desc = 'foretype: nothing to show',
    callback = suggest.left,
  })
  on({ 'InsertLeave', 'BufLeave', 'WinLeave', 'BufUnload', 'CmdwinEnter' }, 'nothing to show', suggest.left)
  on('BufEnter', 'another document', function(event)
    focused(event.buf)
    rest.moved(event.buf)
  end)
  on('CursorMoved', 'the cursor may rest', function(event)
    rest.moved(event.buf)
  end)
  on({ 'TextChanged', 'TextChangedI', 'TextChangedP' }, 'another edit may be next', edits.changed)
  on('InsertLeave', 'an edit may be next', edits.left_insert)
  on(
    { 'CursorMoved', 'CursorMovedI', 'WinScrolled', 'WinEnter', 'BufEnter', 'ModeChanged' },
    'another place is in sight',
    edits.moved
  )
  on({ 'BufUnload', 'BufWipeout' }, 'a buffer goes', function(event)
    edits.gone(event.buf)
  end)
  on('ColorScheme', 'colours', function()
    ghost.highlights()
    edit_view.highlights()
  end)
  ghost.highlights()
  edit_view.highlights()
end

return M

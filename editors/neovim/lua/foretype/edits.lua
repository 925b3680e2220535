--- The life of a proposed next edit: asked for, shown, jumped to, taken, dismissed.
---
--- State, and nothing beside it: `shown` (the edit that is proposed), `pending` (the one request that may still be
--- answered), `timer` (the pause that is waited for).
---
---   nothing --text changes--> pause --timer--> pending --answer--> shown --text changes--> nothing
---
--- What is shown is about one changedtick of its buffer; anything that changes the buffer ends it. Ghost text comes
--- first: while some is visible, the edit is out of sight, and the keys are the ghost text's. Which edits there are
--- is the server's business.

local client = require('foretype.client')
local config = require('foretype.config')
local edit_items = require('foretype.edit_items')
local ghost = require('foretype.ghost')
local suggest = require('foretype.suggest')
local view = require('foretype.edit_view')

local M = {}

-- A pause in ms: an edit is asked for when somebody has done something, not at every key.
local PAUSE_MS = 120

---@type foretype.Edit|nil
local shown
---@type {id: integer, client: table}|nil
local pending
---@type uv.uv_timer_t|nil
local timer
local refreshing = false

local function tick(buffer)
  return vim.api.nvim_buf_get_changedtick(buffer)
end

local function mode()
  return vim.api.nvim_get_mode().mode
end

-- Whether somebody reads or writes; not: selects, gives a command, is in the middle of one, or replays a macro.
local function attentive()
  local now = mode()
  local reads = now == 'n' or now:sub(1, 2) == 'ni' or now:sub(1, 1) == 'i'
  return reads and vim.fn.reg_executing() == '' and vim.fn.getcmdwintype() == ''
end

local function stop_timer()
  if timer then
    timer:stop()
  end
end

local function stop_pending()
  if pending then
    client.cancel(pending.client, pending.id)
    pending = nil
  end
end

local function forget()
  if shown then
    view.wipe(shown.buffer)
    view.unhint()
    shown = nil
  end
end

--- The edit that may be shown now.
---@return foretype.Edit|nil
local function current()
  if not shown then
    return nil
  end
  if shown.buffer and (not vim.api.nvim_buf_is_loaded(shown.buffer) or tick(shown.buffer) ~= shown.tick) then
    forget()
    return nil
  end
  local buffer = vim.api.nvim_get_current_buf()
  if buffer ~= shown.buffer and buffer ~= shown.from then
    return nil
  end
  return shown
end

-- Whether the cursor is where the edit is, so that it can be taken.
local function at(edit)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  return edit.buffer == vim.api.nvim_get_current_buf()
    and row >= edit.row
    and row <= edit.last_row
    and view.in_sight(0, edit.row, edit.col)
end

local function tell_shown(edit)
  local server = client.get()
  if server and not edit.told then
    edit.told = true
    client.notify(server, 'textDocument/didShowInlineEdit', { item = edit.item })
  end
end

local function hint_of(edit)
  local here = vim.api.nvim_get_current_buf() == edit.buffer
  if here and view.in_sight(0, edit.row, edit.col) then
    return nil
  end
  local key = config.current.keys.accept
  local arrow = not here and '→' or edit.row < vim.api.nvim_win_get_cursor(0)[1] - 1 and '↑' or '↓'
  local name = here and 'line' or vim.fs.basename(edit.file)
  return ('%s %s %d%s'):format(arrow, name, edit.row + 1, key and ': ' .. key or '')
end

--- Draw what is proposed, or wipe it off, as things stand now.
function M.refresh()
  local edit = current()
  if not edit or not attentive() or suggest.visible() then
    if shown then
      view.wipe(shown.buffer)
      view.unhint()
    end
    return
  end
  if edit.buffer then
    view.show(edit.buffer, edit, config.current.edit_sign, vim.api.nvim_win_get_height(0))
  end
  local hint = hint_of(edit)
  if hint then
    view.hint(vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1] - 1, hint)
  else
    view.unhint()
  end
  tell_shown(edit)
end

-- Draw soon: something else is being drawn, or about to happen.
local function refresh_soon()
  if shown and not refreshing then
    refreshing = true
    vim.schedule(function()
      refreshing = false
      M.refresh()
    end)
  end
end

local function take_answer(result, asked)
  local items = type(result) == 'table' and result.edits or nil
  for _, item in ipairs(type(items) == 'table' and items or {}) do
    local edit = edit_items.read(item, asked)
    if edit then
      forget()
      shown = edit
      return M.refresh()
    end
  end
end

-- Whether a server proposes edits.
local function proposes(server)
  local experimental = server.server_capabilities and server.server_capabilities.experimental
  return type(experimental) == 'table' and experimental.copilotInlineEditProvider and true or false
end

--- Ask for the next edit now, in place of whatever was asked before.
function M.ask()
  stop_timer()
  local buffer = vim.api.nvim_get_current_buf()
  local server = client.get(buffer)
  if not config.current.edits or not suggest.enabled or not attentive() or client.refused(buffer) then
    return
  end
  if not server or not server.initialized or not proposes(server) then
    return
  end
  local cursor = vim.api.nvim_win_get_cursor(0)
  local asked = { client = server, buffer = buffer, tick = tick(buffer) }
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    position = {
      line = cursor[1] - 1,
      character = client.character(vim.api.nvim_get_current_line(), cursor[2], server.offset_encoding),
    },
    context = { triggerKind = 2 },
  }
  stop_pending()
  local id = client.request(server, 'textDocument/copilotInlineEdit', params, buffer, function(result)
    if pending ~= asked then
      return
    end
    pending = nil
    if vim.api.nvim_get_current_buf() == buffer and tick(buffer) == asked.tick then
      take_answer(result, asked)
    end
  end)
  if id then
    asked.id = id
    pending = asked
  end
end

local function ask_soon()
  stop_timer()
  if not config.current.edits or not config.current.auto then
    return
  end
  timer = timer or vim.uv.new_timer()
  timer:start(PAUSE_MS, 0, vim.schedule_wrap(M.ask))
end

--- The text of the current buffer has changed.
function M.changed()
  stop_pending() -- a model may be at work on the text that was
  current()
  if shown and shown.from == vim.api.nvim_get_current_buf() and shown.buffer ~= shown.from then
    forget()
  end
  ask_soon()
end

--- The cursor, the window or the mode is another one.
function M.moved()
  refresh_soon()
end

--- Insert mode has ended: what is proposed is in sight now, or asked for.
function M.left_insert()
  if shown then
    return refresh_soon()
  end
  ask_soon()
end

--- A buffer goes.
---@param buffer integer
function M.gone(buffer)
  if shown and (shown.buffer == buffer or shown.from == buffer) then
    forget()
  end
end

--- Forget what is proposed, and ask for nothing: suggestions were switched off.
function M.stop()
  stop_timer()
  stop_pending()
  forget()
end

--- Whether an edit is proposed that the keys are for.
---@return boolean
function M.visible()
  return attentive() and current() ~= nil and not suggest.visible()
end

-- Show the edit's buffer in this window; false where the one that is there has changes and may not be hidden.
local function open(edit)
  local done, problem
  if edit.buffer then
    done, problem = pcall(vim.cmd.buffer, tostring(edit.buffer))
  else
    done, problem = pcall(vim.cmd.edit, vim.fn.fnameescape(edit.file))
  end
  if not done then
    vim.notify('foretype: ' .. tostring(problem):gsub('^.-(E%d+:)', '%1'), vim.log.levels.WARN)
    return false
  end
  edit.from = vim.api.nvim_get_current_buf()
  return true
end

local function jump(edit)
  vim.cmd("normal! m'") -- so that <C-o> leads back
  local unread = edit.buffer == nil
  if edit.buffer ~= vim.api.nvim_get_current_buf() and not open(edit) then
    return
  end
  local row = math.min(edit.row + 1, vim.api.nvim_buf_line_count(0))
  vim.api.nvim_win_set_cursor(0, { row, edit.col })
  if unread then
    forget() -- what it says of a file that wasn't open is asked for again, about its text
    return ask_soon()
  end
  vim.cmd('normal! zv')
  M.refresh()
end

-- Let what follows be a step of undo of its own.
local function break_undo()
  if mode():sub(1, 1) == 'i' then
    vim.cmd('let &g:undolevels = &g:undolevels')
  end
end

local function take(edit)
  stop_timer()
  stop_pending()
  forget()
  local lines = vim.split(edit.text, '\n', { plain = true })
  break_undo()
  vim.api.nvim_buf_set_text(edit.buffer, edit.row, edit.col, edit.last_row, edit.last_col, lines)
  break_undo()
  local last = (#lines > 1 and 0 or edit.col) + #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { edit.row + #lines, last })
  local server, command = client.get(edit.buffer), edit.item.command
  if server and type(command) == 'table' and type(command.command) == 'string' then
    local params = { command = command.command, arguments = command.arguments }
    client.request(server, 'workspace/executeCommand', params, edit.buffer, function() end)
  end
  M.ask()
end

--- Go to the proposed edit, or take it where the cursor is there already.
---@return boolean whether there was one
function M.accept()
  if not M.visible() or not shown then
    return false
  end
  if at(shown) then
    take(shown)
  else
    jump(shown)
  end
  return true
end

--- Send the edit away: the server proposes none of its pattern again in this session.
---@return boolean whether there was one
function M.dismiss()
  if not M.visible() or not shown then
    return false
  end
  if shown.id ~= '' then
    client.execute('dismissed', { shown.id }, nil, shown.buffer)
  end
  M.stop()
  return true
end

--- What is proposed, for status lines and mappings of others: its buffer, row and text.
---@return {buffer: integer, row: integer, text: string}|nil
function M.proposed()
  local edit = current()
  return edit and { buffer = edit.buffer, row = edit.row, text = edit.text } or nil
end

ghost.on_change = refresh_soon

return M

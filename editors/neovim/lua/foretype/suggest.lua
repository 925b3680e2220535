--- The life of a suggestion: asked for, shown, typed through, taken, sent away.
---
--- State, and nothing beside it: `shown` (the candidates of one place, which one is shown), `pending` (the one
--- request that may still be answered), `timer` (the pause in typing that is waited for), `seen` (buffer, tick
--- and cursor at the last event).
---
---   nothing --text changes--> pause --timer--> pending --answer--> shown --fits no more--> nothing
---
--- Every event first holds what is shown against the buffer: text that no longer fits is gone before the
--- screen is drawn again, and text that was typed through shrinks without a word from the server. An answer
--- counts only when its request is `pending` and the buffer still has the request's changedtick and cursor.

local client = require('foretype.client')
local config = require('foretype.config')
local fit_of = require('foretype.fit')
local ghost = require('foretype.ghost')

local M = {}

local AUTOMATIC, INVOKED = 2, 1

---@class foretype.Shown
---@field buffer integer
---@field candidates foretype.Suggestion[]
---@field index integer
---@field all boolean the server was asked for every candidate
---@field told table<string, boolean> ids that the server knows were shown

---@type foretype.Shown|nil
local shown
---@type {id: integer, client: table, buffer: integer, tick: integer, row: integer, col: integer, step: integer}|nil
local pending
---@type uv.uv_timer_t|nil
local timer
---@type {buffer?: integer, tick?: integer, row?: integer, col?: integer}
local seen = {}

M.enabled = true

--- Whether Neovim draws the suggestions itself.
---@return boolean
function M.builtin()
  return config.current.builtin and vim.lsp.inline_completion ~= nil
end

local function cursor()
  local place = vim.api.nvim_win_get_cursor(0)
  return place[1] - 1, place[2]
end

local function tick(buffer)
  return vim.api.nvim_buf_get_changedtick(buffer)
end

local function inserting()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
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
    ghost.wipe(shown.buffer)
    shown = nil
  end
end

--- Whether the completion menu is open: Neovim's own, nvim-cmp's or blink.cmp's.
local function menu_open()
  if vim.fn.pumvisible() == 1 then
    return true
  end
  local cmp, blink = package.loaded['cmp'], package.loaded['blink.cmp']
  local function visible(menu, name)
    local ok, open = pcall(function()
      return menu and menu[name] and menu[name]()
    end)
    return ok and open and true or false
  end
  return visible(cmp, 'visible') or visible(blink, 'is_visible')
end

--- Whether the menu shows text in the buffer that the user has not taken yet.
local function menu_previews()
  return vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected >= 0
end

---@return foretype.Fit|nil, foretype.Suggestion|nil
local function current(index)
  if not shown or shown.buffer ~= vim.api.nvim_get_current_buf() then
    return nil
  end
  local suggestion = shown.candidates[index or shown.index]
  local row, col = cursor()
  if not suggestion or row < suggestion.row then
    return nil
  end
  local lines = vim.api.nvim_buf_get_lines(shown.buffer, suggestion.row, row + 1, false)
  return fit_of.at(suggestion, lines, row, col), suggestion
end

--- Tell the server, once, that a suggestion was seen.
local function tell_shown(suggestion)
  if not shown or suggestion.id == '' or shown.told[suggestion.id] then
    return
  end
  shown.told[suggestion.id] = true
  local server = client.get(shown.buffer)
  if server then
    client.notify(server, 'textDocument/didShowCompletion', { item = suggestion.item })
  end
end

--- Hold what is shown against the buffer, and draw what is left of it, if anything.
local function refresh()
  local fit, suggestion = current()
  if not fit or not suggestion or not inserting() then
    return forget()
  end
  if config.current.menu == 'hide' and menu_open() then
    return ghost.wipe(shown.buffer)
  end
  local row, col = cursor()
  local line = vim.api.nvim_buf_get_lines(shown.buffer, row, row + 1, false)[1]
  ghost.show(shown.buffer, row, col, line, fit)
  tell_shown(suggestion)
end

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

--- Take an answer. What is shown and still fits stays, unless the answer says more of the same: text that
--- changes under the eye of somebody who types it is worse than a second opinion.
local function take(result, request)
  local items = type(result) == 'table' and (result.items or result) or {}
  local line = vim.api.nvim_buf_get_lines(request.buffer, request.row, request.row + 1, false)[1] or ''
  local encoding = request.client.offset_encoding
  local candidates = {}
  for _, item in ipairs(items) do
    local suggestion = suggestion_of(item, request.row, request.col, line, encoding)
    local fit = suggestion and fit_of.at(suggestion, { line }, request.row, request.col)
    if fit then
      candidates[#candidates + 1] = suggestion
    end
  end
  local old = current()
  if request.kind == AUTOMATIC and old then
    local new = candidates[1] and candidates[1].text
    if not new or new == old.rest or new:sub(1, #old.rest) ~= old.rest then
      return refresh()
    end
  end
  if request.kind == INVOKED and old and shown then
    -- What is shown stays in the list, in its place.
    local known = {}
    for index, suggestion in ipairs(candidates) do
      if suggestion.text == old.rest then
        known = { index = index }
      end
    end
    if not known.index then
      table.insert(candidates, 1, shown.candidates[shown.index])
      known.index = 1
    end
    shown.candidates, shown.all = candidates, true
    shown.index = (known.index - 1 + request.step) % #candidates + 1
    return refresh()
  end
  if #candidates == 0 then
    return forget()
  end
  forget()
  shown = { buffer = request.buffer, candidates = candidates, index = 1, all = request.kind == INVOKED, told = {} }
  refresh()
end

--- Ask the server for the cursor's place, in place of whatever was asked before.
---@param kind integer
---@param step integer how far to go on from the suggestion that is shown
local function ask(kind, step)
  stop_timer()
  local buffer = vim.api.nvim_get_current_buf()
  if not M.enabled or not inserting() or client.refused(buffer) or menu_previews() then
    return
  end
  if vim.fn.reg_executing() ~= '' or vim.fn.getcmdwintype() ~= '' then
    return
  end
  local server = client.get(buffer)
  if not server or not server.initialized then
    return
  end
  local row, col = cursor()
  local line = vim.api.nvim_get_current_line()
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    position = { line = row, character = client.character(line, col, server.offset_encoding) },
    context = { triggerKind = kind },
    formattingOptions = { tabSize = vim.fn.shiftwidth(), insertSpaces = vim.bo[buffer].expandtab },
  }
  local request = {
    client = server,
    buffer = buffer,
    tick = tick(buffer),
    row = row,
    col = col,
    kind = kind,
    step = step,
  }
  -- The older request is not cancelled first: the server itself replaces it, and a generation that already
  -- says what was typed since goes on for the new one.
  pending = nil
  local id = client.request(server, 'textDocument/inlineCompletion', params, buffer, function(result)
    if pending ~= request then
      return
    end
    pending = nil
    local now_row, now_col = cursor()
    local same = vim.api.nvim_get_current_buf() == buffer and tick(buffer) == request.tick
    if same and now_row == row and now_col == col and inserting() and M.enabled then
      take(result, request)
    end
  end)
  if id then
    request.id = id
    pending = request
  end
end

--- Ask after a pause in typing.
local function ask_soon()
  stop_timer()
  if not M.enabled or not config.current.auto or M.builtin() then
    return
  end
  if config.current.debounce_ms == 0 then
    return ask(AUTOMATIC, 0)
  end
  timer = timer or vim.uv.new_timer()
  timer:start(config.current.debounce_ms, 0, vim.schedule_wrap(function()
    ask(AUTOMATIC, 0)
  end))
end

local function same_place(one, other)
  return one.buffer == other.buffer and one.tick == other.tick and one.row == other.row and one.col == other.col
end

local function look()
  local buffer, row, col = vim.api.nvim_get_current_buf(), cursor()
  local now = { buffer = buffer, tick = tick(buffer), row = row, col = col }
  local before = seen
  seen = now
  return now, before
end

--- The text has changed.
function M.changed()
  local now, before = look()
  refresh()
  if not same_place(now, before) then
    ask_soon()
  end
end

--- The cursor has moved; where the text has changed too, `changed` is on its way.
function M.moved()
  local buffer = vim.api.nvim_get_current_buf()
  if seen.buffer ~= buffer or seen.tick ~= tick(buffer) then
    return refresh()
  end
  local now, before = look()
  if now.row ~= before.row or now.col ~= before.col then
    stop_timer()
    stop_pending()
  end
  refresh()
end

--- Insert mode has begun.
function M.entered()
  vim.schedule(function()
    -- A key that was typed right behind may have asked already.
    if inserting() and not same_place(look()) then
      ask_soon()
    end
  end)
end

--- There is nobody to show anything to: another mode, window or buffer.
function M.left()
  stop_timer()
  stop_pending()
  forget()
  seen = {}
end

--- Whether there is ghost text that fits at the cursor.
---@return boolean
function M.visible()
  return current() ~= nil and inserting()
end

--- Which of how many suggestions is shown; nil when none is.
---@return integer|nil, integer|nil
function M.position()
  if shown then
    return shown.index, #shown.candidates
  end
end

--- Whether an answer is waited for.
function M.waiting()
  return pending ~= nil
end

local function insert(piece, fit)
  local row, col = cursor()
  local gone = fit_of.consumed(fit, piece)
  local lines = vim.split(piece, '\n', { plain = true })
  vim.api.nvim_buf_set_text(0, row, col, row, col + gone, lines)
  local last = #lines > 1 and #lines[#lines] or col + #piece
  vim.api.nvim_win_set_cursor(0, { row + #lines, last })
end

--- Insert the beginning of the suggestion that `choose` picks from what is left of it.
local function accept(choose)
  local fit, suggestion = current()
  if not fit or not suggestion or not inserting() then
    return false
  end
  local piece = choose(fit.rest)
  if piece == '' then
    return false
  end
  local whole = #piece >= #fit.rest
  stop_timer()
  stop_pending()
  local buffer, server = shown.buffer, client.get(shown.buffer)
  if whole then
    forget()
  end
  insert(piece, fit)
  if whole then
    local command = suggestion.item.command
    if server and type(command) == 'table' and type(command.command) == 'string' then
      client.request(
        server,
        'workspace/executeCommand',
        { command = command.command, arguments = command.arguments },
        buffer,
        function() end
      )
    end
  else
    local taken = fit.typed .. piece
    if server then
      client.notify(server, 'textDocument/didPartiallyAcceptCompletion', {
        item = suggestion.item,
        acceptedLength = client.character(taken, #taken, 'utf-16'),
      })
    end
    refresh()
  end
  return true
end

--- Take the whole suggestion.
---@return boolean whether there was one
function M.accept()
  return accept(function(rest)
    return rest
  end)
end

--- Take its next word.
---@return boolean
function M.accept_word()
  return accept(fit_of.word)
end

--- Take its next line.
---@return boolean
function M.accept_line()
  return accept(fit_of.line)
end

local function step(by)
  if not shown or not shown.all then
    return ask(INVOKED, by)
  end
  for _ = 1, #shown.candidates do
    shown.index = (shown.index - 1 + by) % #shown.candidates + 1
    if current() then
      break
    end
  end
  refresh()
end

--- Show another suggestion; the first time, the server is asked for them.
function M.next()
  step(1)
end

--- Show the suggestion before.
function M.previous()
  step(-1)
end

--- Ask for suggestions now, whatever the rules about when to ask say.
function M.trigger()
  ask(INVOKED, 0)
end

--- Send the suggestion away: the server will not make it again at this place.
function M.dismiss()
  local _, suggestion = current()
  stop_timer()
  stop_pending()
  if suggestion and suggestion.id ~= '' then
    client.execute('dismissed', { suggestion.id }, nil, shown.buffer)
  end
  forget()
end

--- Tell the server which document is looked at.
local function focused(buffer)
  local server = client.get(buffer)
  if server and server.initialized and client.is_code(buffer) then
    client.notify(server, 'textDocument/didFocus', { textDocument = { uri = vim.uri_from_bufnr(buffer) } })
  end
end

--- Listen to what happens in Neovim.
function M.listen()
  local group = vim.api.nvim_create_augroup('foretype.suggest', {})
  local function on(events, desc, callback)
    vim.api.nvim_create_autocmd(events, { group = group, desc = 'foretype: ' .. desc, callback = callback })
  end
  on({ 'TextChangedI', 'TextChangedP' }, 'the text has changed', M.changed)
  on('CursorMovedI', 'the cursor has moved', M.moved)
  on('CompleteDone', 'the menu has closed', function()
    vim.schedule(M.changed)
  end)
  on('InsertEnter', 'somebody begins to write', M.entered)
  -- Ctrl-C ends insert mode without InsertLeave.
  vim.api.nvim_create_autocmd('ModeChanged', {
    group = group,
    pattern = 'i*:[^i]*',
    desc = 'foretype: nothing to show',
    callback = M.left,
  })
  on({ 'InsertLeave', 'BufLeave', 'WinLeave', 'BufUnload', 'CmdwinEnter' }, 'nothing to show', M.left)
  on('BufEnter', 'another document', function(event)
    focused(event.buf)
  end)
  on('ColorScheme', 'colours', ghost.highlights)
  ghost.highlights()
end

return M

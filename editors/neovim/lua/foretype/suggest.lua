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

local acceptance = require('foretype.acceptance')
local client = require('foretype.client')
local config = require('foretype.config')
local fit_of = require('foretype.fit')
local ghost = require('foretype.ghost')
local imports = require('foretype.imports')
local items = require('foretype.items')
local menu = require('foretype.menu')

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
  if config.current.menu == 'hide' and menu.open() then
    return ghost.wipe(shown.buffer)
  end
  local row, col = cursor()
  local line = vim.api.nvim_buf_get_lines(shown.buffer, row, row + 1, false)[1]
  ghost.show(shown.buffer, row, col, line, fit)
  tell_shown(suggestion)
end

--- Take an answer. What is shown and still fits stays, unless the answer says more of the same: text that
--- changes under the eye of somebody who types it is worse than a second opinion. Where the server has said that
--- it has something better than what stands there (`request.replaces`), that takes its place.
local function take(result, request)
  local line = vim.api.nvim_buf_get_lines(request.buffer, request.row, request.row + 1, false)[1] or ''
  local candidates = items.suggestions(result, line, request.row, request.col, request.client.offset_encoding)
  local old = current()
  if request.kind == AUTOMATIC and old and not request.replaces then
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
---@param replaces? string the early suggestion in whose place the answer is wanted
local function ask(kind, step, replaces)
  stop_timer()
  local buffer = vim.api.nvim_get_current_buf()
  if not M.enabled or not inserting() or client.refused(buffer) or menu.previews() then
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
    formattingOptions = client.formatting_options(buffer),
  }
  local request = {
    client = server,
    buffer = buffer,
    tick = tick(buffer),
    row = row,
    col = col,
    kind = kind,
    step = step,
    replaces = replaces,
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
  local function paused()
    ask(AUTOMATIC, 0)
  end
  timer:start(config.current.debounce_ms, 0, vim.schedule_wrap(paused))
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

--- The server has come to a buffer: what was typed there before could not be asked about.
---@param buffer integer
function M.attached(buffer)
  if buffer == vim.api.nvim_get_current_buf() and inserting() then
    ask_soon()
  end
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

--- Lines were added above what is shown: it moves along.
local function moved_down(buffer, row, lines)
  if shown and shown.buffer == buffer then
    for _, candidate in ipairs(shown.candidates) do
      if candidate.row >= row then
        candidate.row = candidate.row + lines
      end
    end
    refresh()
  end
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
  local buffer = shown.buffer
  if whole then
    forget()
  end
  acceptance.insert(piece, fit)
  if whole then
    acceptance.tell_whole(buffer, suggestion)
  else
    acceptance.tell_part(buffer, suggestion, fit.typed .. piece)
    refresh()
  end
  imports.add(buffer, suggestion, fit.typed .. piece, function(row, lines)
    moved_down(buffer, row, lines)
  end)
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

--- The server has something better than an early suggestion: show it, unless that was sent away or chosen among
--- others, or another question is open. Where it was typed into, the server waits for a rest or the next key.
---@param news {textDocument: {uri: string}, replaces: string}
function M.better(news)
  local buffer = vim.api.nvim_get_current_buf()
  if M.builtin() or pending or not inserting() or vim.uri_from_bufnr(buffer) ~= news.textDocument.uri then
    return
  end
  local fit, suggestion = current()
  if suggestion and fit then
    if suggestion.id ~= news.replaces or shown.all then
      return
    end
  elseif news.replaces ~= '' or not config.current.auto then
    return
  end
  ask(AUTOMATIC, 0, news.replaces)
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

return M

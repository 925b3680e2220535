--- Draws a suggestion as ghost text, and wipes it off.
---
--- `layout` decides what goes where and is pure; `show` makes extmarks of it. What the suggestion replaces
--- right of the cursor is drawn as it will stand after acceptance. No buffer text is ever touched.

local fit_of = require('foretype.fit')

local M = {}

M.namespace = vim.api.nvim_create_namespace('foretype')

--- Called when something is drawn or wiped off.
M.on_change = function() end

local GHOST, MOVED = 'ForetypeGhost', 'ForetypeMoved'

function M.highlights()
  vim.api.nvim_set_hl(0, GHOST, { default = true, link = 'Comment' })
  vim.api.nvim_set_hl(0, MOVED, { default = true, link = 'Normal' })
end

--- Text as it may be drawn: tabs as blanks, every other control character in a visible form.
---@param text string one line
---@param column integer display column where it begins
---@param tabstop integer
---@return string
function M.printable(text, column, tabstop)
  local parts = {}
  for piece, tab in text:gmatch('([^\t]*)(\t?)') do
    piece = vim.fn.strtrans(piece)
    parts[#parts + 1] = piece
    column = column + vim.fn.strdisplaywidth(piece)
    if tab ~= '' then
      local blanks = tabstop - column % tabstop
      parts[#parts + 1] = (' '):rep(blanks)
      column = column + blanks
    end
  end
  return table.concat(parts)
end

---@class foretype.Piece
---@field col integer byte column
---@field text string
---@field how 'inline'|'overlay'

---@class foretype.Layout
---@field pieces foretype.Piece[] what goes into the cursor's line
---@field lines string[] further lines
---@field tail string what stands behind the last of those, and is the buffer's own text

---@class foretype.Space
---@field before string the line in front of the cursor
---@field tabstop integer
---@field width integer columns of the window's text
---@field height integer rows of the window

local function blend(first, fit, col, space, column)
  -- One line, with closers of its own standing right of the cursor: ghost text goes between them.
  local places = fit_of.align(fit.replaced, first)
  if not places then
    local width = vim.fn.strdisplaywidth(fit.replaced)
    local text = M.printable(first, column, space.tabstop)
    local head = vim.fn.strcharpart(text, 0, width)
    local pieces = { { col = col, text = head .. (' '):rep(width - vim.fn.strdisplaywidth(head)), how = 'overlay' } }
    local more = vim.fn.strcharpart(text, width)
    if more ~= '' then
      pieces[2] = { col = col + #fit.replaced, text = more, how = 'inline' }
    end
    return pieces
  end
  local pieces, from = {}, 1
  for index = 1, #places + 1 do
    local text = first:sub(from, (places[index] or #first + 1) - 1)
    if text ~= '' then
      pieces[#pieces + 1] = { col = col + index - 1, text = M.printable(text, column, space.tabstop), how = 'inline' }
    end
    from = (places[index] or 0) + 1
  end
  return pieces
end

--- What to draw where.
---@param fit foretype.Fit
---@param col integer byte column of the cursor
---@param space foretype.Space
---@return foretype.Layout
function M.layout(fit, col, space)
  local lines = vim.split(fit.rest, '\n', { plain = true })
  local first = table.remove(lines, 1)
  local column = vim.fn.strdisplaywidth(space.before)
  if #lines == 0 then
    if fit.replaced ~= '' then
      return { pieces = blend(first, fit, col, space, column), lines = {}, tail = '' }
    end
    return {
      pieces = { { col = col, text = M.printable(first, column, space.tabstop), how = 'inline' } },
      lines = {},
      tail = '',
    }
  end
  local text = M.printable(first, column, space.tabstop)
  for index, line in ipairs(lines) do
    lines[index] = M.printable(line, 0, space.tabstop)
  end
  if #lines > space.height - 1 then
    lines = vim.list_slice(lines, 1, math.max(space.height - 1, 1))
  end
  local right = fit.replaced .. fit.after
  local width = vim.fn.strdisplaywidth(right, column)
  local covers = right:match('%S') and column + math.max(width, vim.fn.strdisplaywidth(text)) <= space.width
  if not covers then
    return { pieces = { { col = col, text = text, how = 'inline' } }, lines = lines, tail = '' }
  end
  -- What stands right of the cursor moves to the end of the last line: cover it here, show it there.
  text = text .. (' '):rep(width - vim.fn.strdisplaywidth(text))
  local last = vim.fn.strdisplaywidth(lines[#lines])
  return {
    pieces = { { col = col, text = text, how = 'overlay' } },
    lines = lines,
    tail = M.printable(fit.after, last, space.tabstop),
  }
end

---@param window integer
---@param line string the cursor's line
---@param col integer byte column of the cursor
---@return foretype.Space
local function space_of(window, line, col)
  local info = vim.fn.getwininfo(window)[1]
  return {
    before = line:sub(1, col),
    tabstop = vim.bo[vim.api.nvim_win_get_buf(window)].tabstop,
    width = info.width - info.textoff,
    height = info.height,
  }
end

--- Draw what is left of a suggestion at the cursor, in place of whatever was drawn in the buffer.
---@param buffer integer
---@param row integer 0-based
---@param col integer byte column
---@param line string the cursor's line
---@param fit foretype.Fit
function M.show(buffer, row, col, line, fit)
  M.wipe(buffer)
  local layout = M.layout(fit, col, space_of(vim.api.nvim_get_current_win(), line, col))
  for _, piece in ipairs(layout.pieces) do
    if piece.text ~= '' then
      vim.api.nvim_buf_set_extmark(buffer, M.namespace, row, piece.col, {
        virt_text = { { piece.text, GHOST } },
        virt_text_pos = piece.how,
        -- 'combine' would let the bracket in front of the cursor, when it is highlighted, colour ghost text.
        hl_mode = 'replace',
        undo_restore = false,
        strict = false,
      })
    end
  end
  if #layout.lines > 0 then
    local virtual = vim.tbl_map(function(text)
      return { { text, GHOST } }
    end, layout.lines)
    if layout.tail ~= '' then
      table.insert(virtual[#virtual], { layout.tail, MOVED })
    end
    local mark = { virt_lines = virtual, undo_restore = false, strict = false }
    if vim.fn.has('nvim-0.11') == 1 then
      mark.virt_lines_overflow = 'scroll'
    end
    vim.api.nvim_buf_set_extmark(buffer, M.namespace, row, col, mark)
  end
  M.on_change()
end

--- Take away everything that was drawn in a buffer.
---@param buffer integer
function M.wipe(buffer)
  if vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_clear_namespace(buffer, M.namespace, 0, -1)
  end
  M.on_change()
end

return M

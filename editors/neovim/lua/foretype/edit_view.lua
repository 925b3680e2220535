--- Draws a proposed edit: what goes is highlighted, what comes is virtual text, a sign stands in the gutter, and
--- where the place is out of sight, a hint at the cursor says where it is. No buffer text is ever touched.

local ghost = require('foretype.ghost')
local layout_of = require('foretype.edit_layout')

local M = {}

M.namespace = vim.api.nvim_create_namespace('foretype.edits')
M.hints = vim.api.nvim_create_namespace('foretype.edits.hint')

local ADD, DELETE, SIGN, HINT = 'ForetypeEditAdd', 'ForetypeEditDelete', 'ForetypeEditSign', 'ForetypeEditHint'

-- More cells of one line than this are not drawn.
local WIDEST = 200

-- The buffer that the hint stands in.
---@type integer|nil
local hinted

function M.highlights()
  vim.api.nvim_set_hl(0, ADD, { default = true, link = 'DiffAdd' })
  vim.api.nvim_set_hl(0, DELETE, { default = true, link = 'DiffDelete' })
  vim.api.nvim_set_hl(0, SIGN, { default = true, link = 'DiagnosticSignHint' })
  vim.api.nvim_set_hl(0, HINT, { default = true, link = 'DiagnosticHint' })
end

local function drawn(text, column, tabstop)
  local printable = ghost.printable(text, column, tabstop)
  if vim.fn.strdisplaywidth(printable) > WIDEST then
    return vim.fn.strcharpart(printable, 0, WIDEST) .. '…'
  end
  return printable
end

local function mark(buffer, row, col, options)
  options.undo_restore, options.strict = false, false
  pcall(vim.api.nvim_buf_set_extmark, buffer, M.namespace, row, col, options)
end

--- Draw an edit, in place of whatever was drawn in its buffer.
---@param buffer integer
---@param edit foretype.Edit
---@param sign string what stands in the gutter; '' for nothing
---@param height integer rows of the window
function M.show(buffer, edit, sign, height)
  M.wipe(buffer)
  local lines = vim.api.nvim_buf_get_lines(buffer, edit.row, edit.last_row + 1, false)
  local layout = layout_of.layout(lines, edit)
  local tabstop = vim.bo[buffer].tabstop
  if layout.deleted then
    local gone = layout.deleted
    local whole = gone.last_row > gone.row
    local ends = { end_row = gone.last_row, end_col = gone.last_col, hl_group = DELETE, hl_eol = whole, priority = 200 }
    mark(buffer, gone.row, gone.col, ends)
  end
  if layout.inline then
    local place = layout.inline
    local line = lines[place.row - edit.row + 1]:sub(1, place.col)
    local text = drawn(place.text, vim.fn.strdisplaywidth(line), tabstop)
    mark(buffer, place.row, place.col, { virt_text = { { text, ADD } }, virt_text_pos = 'inline', hl_mode = 'replace' })
  end
  if #layout.lines > 0 then
    local virtual = {}
    for index = 1, math.min(#layout.lines, math.max(height - 2, 1)) do
      virtual[index] = { { drawn(layout.lines[index], 0, tabstop), ADD } }
    end
    mark(buffer, layout.line_row, 0, { virt_lines = virtual, virt_lines_above = layout.above })
  end
  if sign ~= '' then
    mark(buffer, edit.row, 0, { sign_text = sign, sign_hl_group = SIGN, priority = 200 })
  end
end

--- Say at the cursor of the current window where an edit is.
---@param buffer integer the window's
---@param row integer of its cursor
---@param text string
function M.hint(buffer, row, text)
  M.unhint()
  hinted = buffer
  -- Two windows may show one buffer; the hint belongs to the one that the user is in.
  pcall(function()
    vim.api.nvim__ns_set(M.hints, { wins = { vim.api.nvim_get_current_win() } })
  end)
  pcall(vim.api.nvim_buf_set_extmark, buffer, M.hints, row, 0, {
    virt_text = { { ' ' .. text .. ' ', HINT } },
    virt_text_pos = 'right_align',
    hl_mode = 'replace',
    undo_restore = false,
    strict = false,
  })
end

--- Take the hint away, wherever it is.
function M.unhint()
  if hinted and vim.api.nvim_buf_is_valid(hinted) then
    vim.api.nvim_buf_clear_namespace(hinted, M.hints, 0, -1)
  end
  hinted = nil
end

--- Take away everything that was drawn of edits in a buffer.
---@param buffer integer|nil
function M.wipe(buffer)
  if buffer and vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_clear_namespace(buffer, M.namespace, 0, -1)
  end
end

--- Whether a window shows a place: not folded away, above, below, or right or left of what it shows.
---@param window integer
---@param row integer
---@param col integer byte column
---@return boolean
function M.in_sight(window, row, col)
  return vim.api.nvim_win_call(window, function()
    if vim.fn.foldclosed(row + 1) ~= -1 then
      return false
    end
    return vim.fn.screenpos(window, row + 1, col + 1).row > 0
  end)
end

return M

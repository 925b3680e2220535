--- How a proposed edit is drawn over the text that stands: what goes, what comes, and where.
---
--- Pure functions over text; rows and columns are byte offsets. Nothing here looks at a buffer or draws.

local M = {}

---@class foretype.Span
---@field row integer 0-based
---@field col integer byte column
---@field last_row integer
---@field last_col integer byte column behind its end

---@class foretype.EditLayout
---@field deleted foretype.Span|nil what goes
---@field inline {row: integer, col: integer, text: string}|nil what comes within a line
---@field lines string[] what comes as lines of its own
---@field line_row integer the row that those lines stand at
---@field above boolean they stand above that row rather than below it

-- The length of what two texts begin with in common, whole characters only.
local function common_head(one, other)
  local length, most = 0, math.min(#one, #other)
  while length < most and one:byte(length + 1) == other:byte(length + 1) do
    length = length + 1
  end
  while length > 0 and (one:byte(length + 1) or 0) >= 0x80 and (one:byte(length + 1) or 0) < 0xC0 do
    length = length - 1
  end
  return length
end

local function common_tail(one, other, most)
  local length = 0
  while length < most and one:byte(#one - length) == other:byte(#other - length) do
    length = length + 1
  end
  while length > 0 and one:byte(#one - length + 1) >= 0x80 and one:byte(#one - length + 1) < 0xC0 do
    length = length - 1
  end
  return length
end

--- What is left of two texts without their common beginning and end, where only one of them is left; else both.
---@param old string
---@param new string
---@return integer head bytes of the common beginning
---@return integer tail bytes of the common end
function M.common(old, new)
  local head = common_head(old, new)
  local tail = common_tail(old, new, math.min(#old, #new) - head)
  if head + tail == #old or head + tail == #new then
    return head, tail
  end
  return 0, 0
end

-- The place where a text ends that begins at another place.
local function walk(row, col, text)
  local lines = vim.split(text, '\n', { plain = true })
  return row + #lines - 1, (#lines > 1 and 0 or col) + #lines[#lines]
end

--- What to draw where.
---@param lines string[] the buffer's lines from the edit's first row to its last
---@param edit foretype.Edit its range in the buffer, and what takes the range's place
---@return foretype.EditLayout
function M.layout(lines, edit)
  local middle = vim.list_slice(lines)
  middle[#middle] = middle[#middle]:sub(1, edit.last_col)
  middle[1] = middle[1]:sub(edit.col + 1)
  local old = table.concat(middle, '\n')
  local head, tail = M.common(old, edit.text)
  local gone, new = old:sub(head + 1, #old - tail), edit.text:sub(head + 1, #edit.text - tail)
  local row, col = walk(edit.row, edit.col, old:sub(1, head))
  local last_row, last_col = walk(row, col, gone)
  local layout = { lines = {}, line_row = last_row, above = false }
  if gone ~= '' then
    layout.deleted = { row = row, col = col, last_row = last_row, last_col = last_col }
  end
  if new == '' then
    return layout
  end
  if not new:find('\n', 1, true) and not gone:find('\n', 1, true) then
    layout.inline = { row = last_row, col = last_col, text = new }
    return layout
  end
  local comes = vim.split(new, '\n', { plain = true })
  local line = lines[last_row - edit.row + 1]
  if gone == '' and col == 0 and new:sub(-1) == '\n' then
    comes[#comes] = nil -- whole lines in front of one that stays
    layout.above = true
  elseif gone == '' and col == #line and new:sub(1, 1) == '\n' then
    table.remove(comes, 1) -- whole lines behind one that stays
  else
    -- The lines as they will be.
    comes[1] = lines[row - edit.row + 1]:sub(1, col) .. comes[1]
    comes[#comes] = comes[#comes] .. line:sub(last_col + 1)
  end
  layout.lines = comes
  return layout
end

return M

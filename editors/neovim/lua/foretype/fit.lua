--- What of a suggestion still fits where the cursor is, and which pieces of it can be taken.
---
--- Pure functions over text; columns are byte offsets. Nothing here asks a server or draws.

local M = {}

---@class foretype.Suggestion
---@field id string the server's name for it; '' when it has none
---@field text string what is inserted, lines parted by '\n'
---@field row integer 0-based row where it begins
---@field col integer byte column where it begins
---@field before string the line in front of it
---@field replaced string what stands right of the cursor and is part of the suggestion (closers)
---@field after string the rest of the line, which stays
---@field item table as the server sent it

---@class foretype.Fit
---@field typed string what of the suggestion stands in the buffer already
---@field rest string what accepting inserts; never ''
---@field replaced string what accepting takes away right of the cursor
---@field after string what stays right of that

local CLOSERS = '^[%)%]}>"\'`;,]*$'

--- Find the characters of `part` one after another in `text`, from the end, so that what an editor closed
--- by itself counts as the last closers of the suggestion.
---@param part string
---@param text string
---@return integer[]|nil places 1-based, in order; nil when `part` is not contained so
function M.align(part, text)
  local places, at = {}, #text
  for index = #part, 1, -1 do
    local byte = part:byte(index)
    while at > 0 and text:byte(at) ~= byte do
      at = at - 1
    end
    if at == 0 then
      return nil
    end
    places[index] = at
    at = at - 1
  end
  return places
end

local function starts(text, beginning)
  return text:sub(1, #beginning) == beginning
end

--- What is left of a suggestion at a cursor.
---@param suggestion foretype.Suggestion
---@param lines string[] the buffer's lines from the suggestion's row to the cursor's, both included
---@param row integer 0-based row of the cursor
---@param col integer byte column of the cursor
---@return foretype.Fit|nil nil when it does not fit there
function M.at(suggestion, lines, row, col)
  if row < suggestion.row or #lines ~= row - suggestion.row + 1 then
    return nil
  end
  if not starts(lines[1], suggestion.before) or (row == suggestion.row and col < suggestion.col) then
    return nil
  end
  local right = lines[#lines]:sub(col + 1)
  local typed = vim.list_slice(lines)
  typed[#typed] = typed[#typed]:sub(1, col)
  typed[1] = typed[1]:sub(suggestion.col + 1)
  local so_far = table.concat(typed, '\n')
  local rest = suggestion.text:sub(#so_far + 1)
  if rest == '' or not starts(suggestion.text, so_far) then
    return nil
  end
  local after = suggestion.after
  if #right < #after or right:sub(#right - #after + 1) ~= after then
    return nil
  end
  local replaced = right:sub(1, #right - #after)
  if replaced ~= suggestion.replaced and not (replaced:match(CLOSERS) and M.align(replaced, rest)) then
    return nil
  end
  return { typed = so_far, rest = rest, replaced = replaced, after = after }
end

--- The next word of a text, with the blanks and line breaks in front of it. What a word is says 'iskeyword'.
---@param rest string
---@return string
function M.word(rest)
  local blank = rest:match('^%s*')
  local line = rest:sub(#blank + 1):match('^[^\n]*') -- a line break is no blank to Vim's patterns
  local word = vim.fn.matchstr(line, [[^\%(\k\+\|\%(\k\@!\S\)\+\)]])
  return blank .. word
end

--- The rest of the line, or the next line when this one has nothing more.
---@param rest string
---@return string
function M.line(rest)
  local break_at = rest:find('\n', 2, true)
  return break_at and rest:sub(1, break_at - 1) or rest
end

--- How much of `replaced` goes when a piece of the suggestion is taken: the closers that the piece contains.
---@param fit foretype.Fit
---@param piece string a beginning of `fit.rest`
---@return integer bytes
function M.consumed(fit, piece)
  if #piece >= #fit.rest then
    return #fit.replaced
  end
  local count = 0
  for _, place in ipairs(M.align(fit.replaced, fit.rest) or {}) do
    if place <= #piece then
      count = count + 1
    end
  end
  return count
end

return M

--- The keys: each does its work when there is something to do, and else what it did before.
---
--- A key is mapped to `<Plug>(foretype-ACTION)` or `<Plug>(foretype-before-ACTION)`; the latter is a copy of
--- the mapping that was there earlier, script-local names, expressions and all, or the plain key. Mappings
--- are global, so buffer-local ones of others win, and those that fall back themselves come here in turn.

local M = {}

local ACTIONS = { 'accept', 'accept_word', 'accept_line', 'next', 'previous', 'dismiss', 'trigger' }

-- What has work to do without a suggestion.
local ALWAYS = { trigger = true }

---@type table<string, {lhs: string, before: table|nil}>
M.mapped = {}

local function plug(action)
  return ('<Plug>(foretype-%s)'):format(action)
end

local function before(action)
  return ('<Plug>(foretype-before-%s)'):format(action)
end

local function ours(lhs)
  local mapping = vim.fn.maparg(lhs, 'i', false, true)
  return (mapping.desc or ''):match('^foretype: ') ~= nil and mapping.buffer ~= 1
end

--- The global insert mode mapping of a key; maparg() would rather name a buffer-local one.
local function earlier(lhs)
  local raw = vim.api.nvim_replace_termcodes(lhs, true, true, true)
  for _, mapping in ipairs(vim.api.nvim_get_keymap('i')) do
    if mapping.lhsraw == raw or mapping.lhsrawalt == raw or mapping.lhs == lhs then
      return mapping
    end
  end
end

--- Give a mapping another key.
local function copy_to(lhs, mapping)
  local copy = vim.deepcopy(mapping)
  copy.lhs, copy.lhsraw, copy.lhsrawalt, copy.buffer = lhs, nil, nil, 0
  copy.lhsraw = vim.api.nvim_replace_termcodes(lhs, true, true, true)
  vim.fn.mapset('i', false, copy)
end

--- What Neovim's own ghost text can do; it knows no pieces and no dismissal.
local function builtin(action)
  local own = vim.lsp.inline_completion
  if action == 'accept' then
    return own.get() and '' or before(action)
  elseif action == 'next' or action == 'previous' then
    vim.schedule(function()
      own.select({ count = action == 'next' and 1 or -1 })
    end)
    return ''
  end
  return before(action)
end

--- The keys that do an action, or what was there before it.
local function chosen(action)
  if require('foretype.config').current.builtin and vim.lsp.inline_completion then
    return builtin(action)
  end
  local works = ALWAYS[action] or require('foretype.suggest').visible()
  return works and plug(action) or before(action)
end

--- Define the `<Plug>` mappings, which exist whatever the settings say.
function M.define()
  for _, action in ipairs(ACTIONS) do
    local run = ("<Cmd>lua require('foretype').%s()<CR>"):format(action)
    local undo = action:match('^accept') and '<C-g>u' or ''
    vim.keymap.set('i', plug(action), function()
      local menu = undo ~= '' and vim.fn.pumvisible() == 1 and '<C-y>' or ''
      return menu .. undo .. run
    end, { expr = true, replace_keycodes = true, silent = true, desc = 'foretype: ' .. action })
  end
end

--- Map the keys.
---@param keys foretype.Keys
function M.map(keys)
  M.unmap()
  for _, action in ipairs(ACTIONS) do
    local lhs = keys[action]
    if lhs then
      local mapping = earlier(lhs)
      if mapping then
        copy_to(before(action), mapping)
      else
        vim.keymap.set('i', before(action), lhs, { desc = 'foretype: the plain key' })
      end
      vim.keymap.set('i', lhs, function()
        return chosen(action)
      end, { expr = true, remap = true, silent = true, desc = 'foretype: ' .. action })
      M.mapped[action] = { lhs = lhs, before = mapping }
    end
  end
end

--- Give every key back to what it was before, unless somebody else has taken it since.
function M.unmap()
  for action, key in pairs(M.mapped) do
    if ours(key.lhs) then
      if key.before then
        copy_to(key.lhs, key.before)
      else
        vim.keymap.del('i', key.lhs)
      end
    end
    pcall(vim.keymap.del, 'i', before(action))
  end
  M.mapped = {}
end

--- The keys that somebody else has mapped since, with what they do now.
---@return table<string, string> action to description
function M.lost()
  local lost = {}
  for action, key in pairs(M.mapped) do
    if not ours(key.lhs) then
      lost[action] = key.lhs
    end
  end
  return lost
end

return M

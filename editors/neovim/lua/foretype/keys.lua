--- The keys: each does its work when there is something to do, and else what it did before.
---
--- A key is mapped to `<Plug>(foretype-ACTION)` or `<Plug>(foretype-before-ACTION)`; the latter is a copy of
--- the mapping that was there earlier, script-local names, expressions and all, or the plain key. Mappings
--- are global, so buffer-local ones of others win, and those that fall back themselves come here in turn.

local M = {}

local ACTIONS = { 'accept', 'accept_word', 'accept_line', 'next', 'previous', 'dismiss', 'trigger' }

-- In normal mode: only what is about next edits.
local NORMAL = { 'accept', 'dismiss_edit' }

local ACTIONS_OF = { i = ACTIONS, n = NORMAL }

-- What has work to do without a suggestion.
local ALWAYS = { trigger = true }

-- What is for next edits, too.
local BOTH = { accept = true, dismiss = true }

---@type {mode: string, action: string, lhs: string, before: table|nil}[]
M.mapped = {}

local function plug(action)
  return ('<Plug>(foretype-%s)'):format(action)
end

local function before(action)
  return ('<Plug>(foretype-before-%s)'):format(action)
end

local function ours(mode, lhs)
  local mapping = vim.fn.maparg(lhs, mode, false, true)
  return (mapping.desc or ''):match('^foretype: ') ~= nil and mapping.buffer ~= 1
end

--- The global mapping of a key; maparg() would rather name a buffer-local one.
local function earlier(mode, lhs)
  local raw = vim.api.nvim_replace_termcodes(lhs, true, true, true)
  for _, mapping in ipairs(vim.api.nvim_get_keymap(mode)) do
    if mapping.lhsraw == raw or mapping.lhsrawalt == raw or mapping.lhs == lhs then
      return mapping
    end
  end
end

--- Give a mapping another key.
local function copy_to(mode, lhs, mapping)
  local copy = vim.deepcopy(mapping)
  copy.lhs, copy.lhsraw, copy.lhsrawalt, copy.buffer = lhs, nil, nil, 0
  copy.lhsraw = vim.api.nvim_replace_termcodes(lhs, true, true, true)
  vim.fn.mapset(mode, false, copy)
end

--- What Neovim's own ghost text can do; it knows no pieces and no dismissal.
local function builtin(action)
  local own = vim.lsp.inline_completion
  if action == 'accept' then
    return own.get() and '' or require('foretype.edits').visible() and plug(action) or before(action)
  elseif action == 'next' or action == 'previous' then
    vim.schedule(function()
      own.select({ count = action == 'next' and 1 or -1 })
    end)
    return ''
  end
  return before(action)
end

--- The keys that do an action, or what was there before it.
local function chosen(mode, action)
  local edits = require('foretype.edits')
  if mode == 'n' then
    return edits.visible() and plug(action) or before(action)
  end
  if require('foretype.config').current.builtin and vim.lsp.inline_completion then
    return builtin(action)
  end
  local works = ALWAYS[action] or require('foretype.suggest').visible()
  works = works or (BOTH[action] and edits.visible())
  return works and plug(action) or before(action)
end

--- Define the `<Plug>` mappings, which exist whatever the settings say.
function M.define()
  for mode, actions in pairs(ACTIONS_OF) do
    for _, action in ipairs(actions) do
      local run = ("<Cmd>lua require('foretype').%s()<CR>"):format(action)
      local undo = mode == 'i' and action:match('^accept') and '<C-g>u' or ''
      vim.keymap.set(mode, plug(action), function()
        local menu = undo ~= '' and vim.fn.pumvisible() == 1 and '<C-y>' or ''
        return menu .. undo .. run
      end, { expr = true, replace_keycodes = true, silent = true, desc = 'foretype: ' .. action })
    end
  end
end

local function map(mode, action, lhs)
  local mapping = earlier(mode, lhs)
  if mapping then
    copy_to(mode, before(action), mapping)
  else
    vim.keymap.set(mode, before(action), lhs, { desc = 'foretype: the plain key' })
  end
  vim.keymap.set(mode, lhs, function()
    return chosen(mode, action)
  end, { expr = true, remap = true, silent = true, desc = 'foretype: ' .. action })
  table.insert(M.mapped, { mode = mode, action = action, lhs = lhs, before = mapping })
end

--- Map the keys.
---@param keys foretype.Keys
---@param edits boolean whether next edits are proposed, which have keys in normal mode
function M.map(keys, edits)
  M.unmap()
  for mode, actions in pairs(ACTIONS_OF) do
    for _, action in ipairs(actions) do
      if keys[action] and (mode ~= 'n' or edits) then
        map(mode, action, keys[action])
      end
    end
  end
end

--- Give every key back to what it was before, unless somebody else has taken it since.
function M.unmap()
  for _, key in ipairs(M.mapped) do
    if ours(key.mode, key.lhs) then
      if key.before then
        copy_to(key.mode, key.lhs, key.before)
      else
        vim.keymap.del(key.mode, key.lhs)
      end
    end
    pcall(vim.keymap.del, key.mode, before(key.action))
  end
  M.mapped = {}
end

--- Whether somebody else has mapped a key since.
---@param key {mode: string, lhs: string} an entry of `mapped`
---@return boolean
function M.is_lost(key)
  return not ours(key.mode, key.lhs)
end

return M

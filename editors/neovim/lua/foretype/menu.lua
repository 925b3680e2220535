--- The completion menu, whoever draws it: whether it is open, and whether it shows text of its own.
---
--- It only looks; what follows from it is decided by others.

local M = {}

--- Whether the completion menu is open: Neovim's own, nvim-cmp's or blink.cmp's.
---@return boolean
function M.open()
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
---@return boolean
function M.previews()
  return vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected >= 0
end

return M

-- Runs once, when Neovim loads the plugin. It only decides whether this Neovim is new enough, defines
-- `:Foretype`, and starts foretype with the user's settings once everybody has had the chance to call
-- setup(). Nothing heavy is loaded here.

if vim.g.loaded_foretype then
  return
end
vim.g.loaded_foretype = true

if vim.fn.has('nvim-0.10') == 0 then
  local sentence = 'foretype needs Neovim 0.10 or newer, for text shown inside a line. This one stays as it is.'
  -- Neovim older than 0.7 has no function to make a command from Lua.
  vim.cmd("command! -nargs=* Foretype echohl WarningMsg | echomsg '" .. sentence .. "' | echohl None")
  vim.schedule(function()
    vim.notify_once(sentence, vim.log.levels.WARN)
  end)
  return
end

vim.api.nvim_create_user_command('Foretype', function(call)
  require('foretype.command').run(call.fargs)
end, {
  nargs = '*',
  desc = 'Local code completion: see :help foretype',
  complete = function(lead, line)
    return require('foretype.command').complete(lead, line)
  end,
})

local function start()
  require('foretype').start()
end

if vim.v.vim_did_enter == 1 then
  vim.schedule(start)
else
  vim.api.nvim_create_autocmd('VimEnter', { once = true, desc = 'foretype: start', callback = start })
end

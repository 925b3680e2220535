--- `:checkhealth foretype`: what is there, what is missing, and what to do about it. Changes nothing.

local M = {}

local WAIT_MS = 20000

local function output(command)
  local ok, process = pcall(vim.system, command, { text = true, timeout = WAIT_MS })
  if not ok then
    return nil
  end
  local done = process:wait()
  return done.stdout ~= '' and done.stdout or nil
end

local function check_neovim()
  vim.health.start('foretype: Neovim')
  local version = tostring(vim.version())
  vim.health.ok(('Neovim %s shows text inside a line.'):format(version))
  if not vim.lsp.enable then
    vim.health.info('It has no vim.lsp.enable(); the server is started by an autocommand instead.')
  end
end

local function check_settings()
  vim.health.start('foretype: settings')
  local config = require('foretype.config')
  for _, complaint in ipairs(config.complaints) do
    vim.health.warn(complaint, 'See :help foretype-settings.')
  end
  if #config.complaints == 0 then
    vim.health.ok('All settings are understood.')
  end
  if not config.current.auto then
    vim.health.info('Suggestions come only with the trigger key (auto = false).')
  end
  if config.current.builtin and not vim.lsp.inline_completion then
    vim.health.warn('`builtin` needs Neovim 0.12; foretype draws the suggestions itself.')
  end
end

local function check_keys()
  vim.health.start('foretype: keys')
  local keys = require('foretype.keys')
  for _, key in ipairs(keys.mapped) do
    local where = key.mode == 'n' and ' in normal mode' or ''
    if keys.is_lost(key) then
      vim.health.warn(('%s (%s%s) has been mapped by somebody else since.'):format(key.lhs, key.action, where), {
        'Call setup() later, choose another key,',
        ('or have that mapping call <Plug>(foretype-%s) when require("foretype").visible().'):format(key.action),
      })
    else
      local earlier = key.before and (', else what it did before: ' .. (key.before.desc or key.before.rhs or '')) or ''
      vim.health.ok(('%s: %s%s%s'):format(key.lhs, key.action, where, earlier))
    end
  end
end

local function check_program()
  vim.health.start('foretype: the program')
  local command = require('foretype.config').current.cmd
  local configured = vim.lsp.config and vim.lsp.config.foretype or nil
  command = configured and configured.cmd or command
  if type(command) ~= 'table' then
    return vim.health.info('The server is started by a function.')
  end
  local path = vim.fn.exepath(command[1])
  if path == '' then
    return vim.health.error(("'%s' cannot be found or run."):format(command[1]), {
      'Install it from its wheel or source: pipx install ~/src/foretype',
      'or name it: require("foretype").setup({ cmd = { "/path/to/foretype", "lsp" } })',
    })
  end
  vim.health.ok(path)
  if not vim.fs.basename(path):match('^foretype') then
    return
  end
  local findings = output({ path, 'doctor', '--json' })
  local ok, list = pcall(vim.json.decode, findings or '')
  if not ok or type(list) ~= 'table' then
    return vim.health.warn(("'%s doctor' gave no answer."):format(path), 'Run it in a terminal.')
  end
  for _, finding in ipairs(list) do
    local sentence = ('%s: %s'):format(finding.subject, finding.found)
    if finding.remedy and finding.remedy ~= '' then
      vim.health.warn(sentence, finding.remedy)
    else
      vim.health.ok(sentence)
    end
  end
end

local function check_server()
  vim.health.start('foretype: the language server')
  local client = require('foretype.client')
  local server = client.get()
  if not server then
    return vim.health.info(client.status.message .. ' It starts with the first file that is opened.')
  end
  local buffers = vim.tbl_count(server.attached_buffers or {})
  vim.health.ok(('It runs for %d buffer%s.'):format(buffers, buffers == 1 and '' or 's'))
  local provider = (server.server_capabilities or {}).inlineCompletionProvider
  if not provider then
    vim.health.error('It offers no inline completion.', 'Is `cmd` really `foretype lsp`?')
  end
  local status = client.status
  if status.state == 'error' then
    vim.health.warn(status.message)
  elseif status.state ~= 'stopped' then
    vim.health.ok(('It is %s%s.'):format(status.state, status.model ~= '' and ' with ' .. status.model or ''))
  end
  local looked_at = vim.fn.bufnr('#')
  if looked_at > 0 then
    local refused = client.refused(looked_at)
    local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(looked_at), ':t')
    if refused then
      vim.health.info(('%s: %s'):format(name, refused))
    end
  end
end

local function check_others()
  local others = {}
  for module, name in pairs({ copilot = 'copilot.lua', ['supermaven-nvim'] = 'supermaven', minuet = 'minuet' }) do
    if package.loaded[module] then
      others[#others + 1] = name
    end
  end
  if vim.g.loaded_copilot then
    others[#others + 1] = 'copilot.vim'
  end
  if #others > 0 then
    vim.health.start('foretype: others')
    vim.health.warn(('%s draws ghost text too.'):format(table.concat(others, ', ')), 'Use one of them at a time.')
  end
end

function M.check()
  if vim.fn.has('nvim-0.10') == 0 then
    return vim.health.error('foretype needs Neovim 0.10 or newer.')
  end
  check_neovim()
  check_settings()
  check_keys()
  check_program()
  check_server()
  check_others()
end

return M

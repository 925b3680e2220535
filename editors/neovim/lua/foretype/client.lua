--- The language server, as the rest of the plugin sees it: which buffers it is for, what it is asked, what
--- it says about itself. Works with `vim.lsp.enable` where that exists and with `vim.lsp.start` on Neovim 0.10.

local config = require('foretype.config')

local M = {}

M.name = 'foretype'

---@class foretype.Status
---@field state 'ready'|'busy'|'loading'|'error'|'inactive'|'stopped'
---@field message string
---@field model string
---@field percent? integer
---@field elsewhere? string where code is sent; empty or nil while it stays on this machine

---@type foretype.Status
M.status = { state = 'stopped', message = 'The language server has not been started yet.', model = '' }

local function redraw_status()
  pcall(vim.api.nvim_exec_autocmds, 'User', { pattern = 'ForetypeStatus', modeline = false })
  vim.cmd.redrawstatus()
end

--- Whether a buffer is of a kind that ever gets suggestions: a file's text, not a prompt, terminal, help or
--- any plugin's window.
---@param buffer integer
---@return boolean
function M.is_code(buffer)
  if not vim.api.nvim_buf_is_loaded(buffer) then
    return false
  end
  local options = vim.bo[buffer]
  return options.buftype == '' and options.modifiable and options.filetype ~= 'help'
end

local function size(buffer)
  return vim.api.nvim_buf_get_offset(buffer, vim.api.nvim_buf_line_count(buffer))
end

--- Why a buffer gets no suggestions; nil when it does.
---@param buffer integer
---@return string|nil
function M.refused(buffer)
  if not M.is_code(buffer) then
    return 'This buffer is not a file to write in.'
  end
  local filetype = vim.bo[buffer].filetype
  local switches = config.current.filetypes
  local on = switches[filetype]
  if on == nil then
    on = switches['*']
  end
  if on == false then
    return ("Suggestions are off for the file type '%s'."):format(filetype)
  end
  if vim.b[buffer].foretype == false then
    return 'Suggestions are off in this buffer.'
  end
  if size(buffer) > config.current.max_bytes then
    return ('The buffer has more than %d bytes (max_bytes).'):format(config.current.max_bytes)
  end
  return nil
end

--- The top folder of the workspace: that of the first marker that is found, so that a repository is whole
--- however many packages it has. A repository of dotfiles at home is no workspace.
local function root(buffer)
  local home = vim.uv.os_homedir()
  for _, marker in ipairs(config.current.root_markers) do
    local folder = vim.fs.root(buffer, marker)
    if folder and folder ~= home then
      return folder
    end
  end
end

--- Have one server for all workspaces: another folder is added to it rather than another process started.
local function reuse(client, other)
  if client.name ~= other.name or (client.is_stopped and M.is_stopped(client)) then
    return false
  end
  local folder = other.root_dir
  if type(folder) ~= 'string' then
    return true
  end
  local uri = vim.uri_from_fname(folder)
  for _, known in ipairs(client.workspace_folders or {}) do
    if known.uri == uri then
      return true
    end
  end
  local added = { uri = uri, name = folder }
  client.workspace_folders = client.workspace_folders or {}
  table.insert(client.workspace_folders, added)
  M.notify(client, 'workspace/didChangeWorkspaceFolders', { event = { added = { added }, removed = {} } })
  return true
end

--- What starts the language server, for `vim.lsp.config` and `vim.lsp.start` alike.
---@return table
function M.defaults()
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.textDocument.inlineCompletion = { dynamicRegistration = false }
  local settings = config.current.settings
  return {
    name = M.name,
    cmd = config.current.cmd,
    capabilities = capabilities,
    init_options = { status = true, betterSuggestions = true },
    settings = next(settings) and { foretype = settings } or nil,
    reuse_client = reuse,
    root_dir = function(buffer, on_dir)
      if M.is_code(buffer) and size(buffer) <= config.current.max_bytes then
        on_dir(root(buffer))
      end
    end,
    handlers = {
      ['foretype/status'] = function(_, status)
        if type(status) == 'table' then
          M.status = status
          redraw_status()
        end
      end,
      ['foretype/betterSuggestion'] = function(_, better)
        if type(better) == 'table' then
          require('foretype.suggest').better(better)
        end
      end,
    },
    on_attach = function(client)
      -- Two that draw the same suggestion would be one too many.
      if vim.lsp.inline_completion then
        pcall(vim.lsp.inline_completion.enable, config.current.builtin, { client_id = client.id })
      end
    end,
    on_exit = function(code, signal)
      vim.schedule(function()
        M.ended(code, signal)
      end)
    end,
  }
end

local RESTARTS, WITHIN_S = 3, 300

-- When the server was started again after an unexpected end, in seconds.
local restarts = {}
-- Called when the server that was asked to end has ended.
---@type fun()|nil
local after_end

--- The server has ended: start it again when nobody meant it to, but not for ever.
---@param code integer
---@param signal integer
function M.ended(code, signal)
  local sentence = 'The language server has ended.'
  local next_step = after_end
  after_end = nil
  local now = vim.uv.now() / 1000
  restarts = vim.tbl_filter(function(time)
    return now - time < WITHIN_S
  end, restarts)
  local meant = next_step or vim.v.exiting ~= vim.NIL or signal == 15 or (code == 0 and signal == 0)
  if not meant then
    local how = signal ~= 0 and ('signal %d'):format(signal) or ('code %d'):format(code)
    if #restarts < RESTARTS then
      restarts[#restarts + 1] = now
      next_step = M.start
    else
      sentence = ('The language server keeps ending (%s). :checkhealth foretype says more.'):format(how)
    end
  end
  M.status = { state = 'stopped', message = sentence, model = '' }
  redraw_status()
  if next_step then
    next_step()
  end
end

--- End the server, if it runs, and start it.
---@param done? fun()
function M.restart(done)
  local function start()
    restarts = {}
    M.start()
    if done then
      done()
    end
  end
  local server = M.get()
  if not server then
    return start()
  end
  after_end = start
  if vim.fn.has('nvim-0.11') == 1 then
    server:stop()
  else
    server.stop()
  end
end

--- Start the server for every buffer that it is for, those that are open included.
function M.start()
  if vim.lsp.enable then
    vim.lsp.config(M.name, M.defaults())
    vim.lsp.enable(M.name)
    return
  end
  local function attach(buffer)
    local wanted = M.defaults()
    wanted.root_dir(buffer, function(folder)
      wanted.root_dir = folder
      vim.lsp.start(wanted, { bufnr = buffer, reuse_client = reuse })
    end)
  end
  local group = vim.api.nvim_create_augroup('foretype.attach', {})
  vim.api.nvim_create_autocmd('FileType', {
    group = group,
    desc = 'foretype: attach the language server',
    callback = function(event)
      attach(event.buf)
    end,
  })
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].filetype ~= '' then
      attach(buffer)
    end
  end
end

function M.is_stopped(client)
  if vim.fn.has('nvim-0.11') == 1 then
    return client:is_stopped()
  end
  return client.is_stopped()
end

--- The client of a buffer, or any when none is named.
---@param buffer? integer
---@return vim.lsp.Client|nil
function M.get(buffer)
  for _, client in ipairs(vim.lsp.get_clients({ name = M.name, bufnr = buffer })) do
    if not M.is_stopped(client) then
      return client
    end
  end
end

-- Methods of a client became methods in the sense of Lua with Neovim 0.11.
local function call(client, method, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client[method](client, ...)
  end
  return client[method](...)
end

function M.notify(client, method, params)
  return call(client, 'notify', method, params)
end

---@param client vim.lsp.Client
---@param id integer
function M.cancel(client, id)
  if not M.is_stopped(client) then
    call(client, 'cancel_request', id)
  end
end

--- Send a request; `answer(result)` is called once, with nil when there is none.
---@return integer|nil id of the request
function M.request(client, method, params, buffer, answer)
  local sent, id = call(client, 'request', method, params, function(failure, result)
    answer(not failure and result or nil)
  end, buffer)
  return sent and id or nil
end

--- Have the server execute one of its commands.
---@param command string without 'foretype.'
---@param arguments? any[]
---@param answer? fun(value: any)
---@param buffer? integer
---@return boolean asked false when no server runs
function M.execute(command, arguments, answer, buffer)
  local client = M.get(buffer) or M.get()
  if not client then
    return false
  end
  local params = { command = 'foretype.' .. command, arguments = arguments or {} }
  M.request(client, 'workspace/executeCommand', params, buffer or 0, answer or function() end)
  return true
end

--- How a buffer is indented, as requests for formatting say it: it goes with requests for suggestions, too.
---@param buffer integer
---@return {tabSize: integer, insertSpaces: boolean}
function M.formatting_options(buffer)
  local width = vim.api.nvim_buf_call(buffer, vim.fn.shiftwidth)
  return { tabSize = width, insertSpaces = vim.bo[buffer].expandtab }
end

---@param line string
---@param character integer as the server counts
---@param encoding string
---@return integer byte column, at most the line's length
function M.byte_column(line, character, encoding)
  if encoding == 'utf-8' then
    return math.min(character, #line)
  end
  local ok, column
  if vim.fn.has('nvim-0.11') == 1 then
    ok, column = pcall(vim.str_byteindex, line, encoding, character, false)
  else
    ok, column = pcall(vim.str_byteindex, line, character, encoding == 'utf-16')
  end
  return ok and column or #line
end

---@param text string
---@param column integer byte column
---@param encoding string
---@return integer as the server counts
function M.character(text, column, encoding)
  local head = text:sub(1, column)
  if encoding == 'utf-8' then
    return #head
  end
  if vim.fn.has('nvim-0.11') == 1 then
    return vim.str_utfindex(head, encoding)
  end
  local points, units = vim.str_utfindex(head)
  return encoding == 'utf-16' and units or points
end

return M

--- `:Foretype` and its subcommands, each one entry of a table: what it does and what completes behind it.

local client = require('foretype.client')
local config = require('foretype.config')

local M = {}

local function say(sentence, level)
  vim.notify('foretype: ' .. sentence, level or vim.log.levels.INFO)
end

local function no_server()
  say(client.status.message .. ' :checkhealth foretype says more.', vim.log.levels.WARN)
end

--- Have the server do something, and show the sentence it answers with.
local function ask(command, arguments, answer)
  local asked = client.execute(command, arguments, answer or function(value)
    if type(value) == 'string' then
      say(value)
    end
  end)
  if not asked then
    no_server()
  end
  return asked
end

--- Show text in a window of its own, which `q` closes.
local function show(name, text, filetype)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(vim.trim(text), '\n', { plain = true }))
  vim.bo[buffer].filetype = filetype
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].bufhidden = 'wipe'
  pcall(vim.api.nvim_buf_set_name, buffer, 'foretype://' .. name)
  vim.cmd('botright split')
  vim.api.nvim_win_set_buf(0, buffer)
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buffer, desc = 'Close' })
end

local SCOPES = { 'everywhere', 'language', 'workspace', 'buffer' }

---@param on boolean
---@param scope? string
local function switch(on, scope)
  scope = scope or 'everywhere'
  if not vim.tbl_contains(SCOPES, scope) then
    return say(("'%s' is none of %s."):format(scope, table.concat(SCOPES, ', ')), vim.log.levels.ERROR)
  end
  local suggest = require('foretype.suggest')
  local buffer = vim.api.nvim_get_current_buf()
  local filetype = vim.bo[buffer].filetype
  local word = on and 'on' or 'off'
  if not on then
    suggest.left()
    require('foretype.edits').stop()
  end
  if scope == 'buffer' then
    vim.b[buffer].foretype = on
    return say(('Suggestions are %s in this buffer.'):format(word))
  elseif scope == 'everywhere' then
    suggest.enabled = on
  elseif scope == 'language' then
    config.current.filetypes[filetype] = on
  end
  local function told(value)
    say(type(value) == 'string' and value or ('Suggestions are %s.'):format(word))
  end
  local arguments = { scope, vim.uri_from_bufnr(buffer) }
  if not client.execute(on and 'enable' or 'disable', arguments, told, client.get(buffer) and buffer or nil) then
    told()
  end
end

local function open_log(which)
  ask('log', {}, function(files)
    local path = type(files) == 'table' and files[which or 'server']
    if type(path) ~= 'string' then
      return say('There is no such log.', vim.log.levels.WARN)
    elseif not vim.uv.fs_stat(path) then
      return say(('Nothing has been logged yet; it would be in %s.'):format(path))
    end
    vim.cmd('botright split ' .. vim.fn.fnameescape(path))
    vim.bo.autoread = true
    vim.cmd('normal! G')
  end)
end

--- End the server and start it again, so that a new release or another `cmd` is taken.
local function restart()
  local function again()
    client.restart(function()
      say('The language server has been started again.')
    end)
  end
  if client.get() then
    ask('restart', {}, again)
  else
    again()
  end
end

local function describe()
  local status = client.status
  local buffer = vim.api.nvim_get_current_buf()
  local suggest = require('foretype.suggest')
  local refused = not suggest.enabled and 'Suggestions are off.' or client.refused(buffer)
  local parts = { status.state }
  if status.percent then
    parts[1] = ('%s (%d %%)'):format(status.state, status.percent)
  end
  if status.model ~= '' then
    parts[#parts + 1] = 'model ' .. status.model
  end
  if status.elsewhere and status.elsewhere ~= '' then
    parts[#parts + 1] = 'code is sent to ' .. status.elsewhere
  end
  if status.message ~= '' then
    parts[#parts + 1] = status.message
  end
  if refused then
    parts[#parts + 1] = refused
  elseif not client.get(buffer) then
    parts[#parts + 1] = 'No server runs for this buffer.'
  end
  say(table.concat(parts, '; '), status.state == 'error' and vim.log.levels.WARN or nil)
end

local function act(action)
  return function()
    require('foretype')[action]()
  end
end

---@type table<string, {run: fun(argument: string?), complete?: string[]}>
M.subcommands = {
  accept = { run = act('accept') },
  accept_line = { run = act('accept_line') },
  accept_word = { run = act('accept_word') },
  context = {
    run = function()
      local buffer = vim.api.nvim_get_current_buf()
      local place = vim.api.nvim_win_get_cursor(0)
      local server = client.get(buffer)
      if not server then
        return no_server()
      end
      local line = vim.api.nvim_get_current_line()
      local character = client.character(line, place[2], server.offset_encoding)
      local position = { line = place[1] - 1, character = character }
      client.execute('showContext', { vim.uri_from_bufnr(buffer), position }, function(text)
        if type(text) == 'string' then
          show('context', text, 'markdown')
        end
      end, buffer)
    end,
  },
  disable = {
    run = function(scope)
      switch(false, scope)
    end,
    complete = SCOPES,
  },
  dismiss = { run = act('dismiss') },
  enable = {
    run = function(scope)
      switch(true, scope)
    end,
    complete = SCOPES,
  },
  health = {
    run = function()
      vim.cmd('checkhealth foretype')
    end,
  },
  log = { run = open_log, complete = { 'server', 'daemon' } },
  model = {
    run = function(name)
      ask('chooseModel', name and { name } or {})
    end,
  },
  next = { run = act('next') },
  previous = { run = act('previous') },
  restart = { run = restart },
  statistics = {
    run = function()
      ask('statistics', {}, function(text)
        show('statistics', type(text) == 'string' and text or 'Nothing has been counted yet.', 'text')
      end)
    end,
  },
  status = { run = describe },
  toggle = {
    run = function()
      switch(not require('foretype.suggest').enabled)
    end,
  },
  trigger = { run = act('trigger') },
}

---@param arguments string[]
function M.run(arguments)
  local name = arguments[1] or 'status'
  local subcommand = M.subcommands[name]
  if not subcommand then
    return say(("there is no ':Foretype %s'; :help :Foretype lists what there is."):format(name), vim.log.levels.ERROR)
  end
  subcommand.run(arguments[2])
end

--- What completes on the command line.
---@param lead string what stands in front of the cursor of the word being typed
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(line:gsub('^.-Foretype%s*', '', 1), '%s+')
  local choices = vim.tbl_keys(M.subcommands)
  if #words > 1 then
    choices = (#words == 2 and M.subcommands[words[1]] or {}).complete or {}
  end
  local found = vim.tbl_filter(function(choice)
    return vim.startswith(choice, lead)
  end, choices)
  table.sort(found)
  return found
end

return M

-- A language server inside Neovim itself, for tests that decide when an answer comes and what it says.
--
-- `Scripted.answers` maps the end of the text in front of the cursor to what is suggested there: a text, an
-- item, a list of those, or false for "no answer until release() says so". The longest matching end wins.
-- `Scripted.edits` are the next edits that it proposes, each as { line, character, end_line, end_character, text },
-- with `uri` and `version` where it is about another document; each goes once it was taken or dismissed.
-- `Scripted.asked` and `Scripted.told` record every request and notification.

Scripted = { answers = {}, edits = {}, asked = {}, told = {}, waiting = {}, capabilities = nil, starts = 0, hold = false }

local function text_before(params)
  local buffer = vim.uri_to_bufnr(params.textDocument.uri)
  local place = params.position
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, place.line + 1, false)
  local line = table.remove(lines) or ''
  lines[#lines + 1] = line:sub(1, vim.str_byteindex(line, 'utf-16', place.character, false))
  return table.concat(lines, '\n')
end

local numbers = 0

local function items_of(said, position)
  if type(said) ~= 'table' or said.insertText then
    said = { said }
  end
  return vim.tbl_map(function(one)
    numbers = numbers + 1
    local item = type(one) == 'table' and vim.deepcopy(one) or { insertText = one }
    local last = { line = position.line, character = position.character + (item.right or 0) }
    item.range, item.right = item.range or { start = position, ['end'] = last }, nil
    item.command = item.command or { title = '', command = 'foretype.accepted', arguments = { 'id-' .. numbers } }
    return item
  end, said)
end

local function answer_for(params)
  local text, best = text_before(params), nil
  for ending in pairs(Scripted.answers) do
    if vim.endswith(text, ending) and (best == nil or #ending > #best) then
      best = ending
    end
  end
  local said = best ~= nil and Scripted.answers[best] or nil
  if said == nil then
    return { items = {} }
  end
  return { items = items_of(said, params.position) }
end

local function edits_for(params)
  local found = {}
  for index, edit in ipairs(Scripted.edits) do
    edit.id = edit.id or ('edit-' .. index)
    found[1] = found[1]
      or {
        text = edit[5],
        range = {
          start = { line = edit[1], character = edit[2] },
          ['end'] = { line = edit[3], character = edit[4] },
        },
        textDocument = { uri = edit.uri or params.textDocument.uri, version = edit.version or vim.NIL },
        command = { title = '', command = 'foretype.accepted', arguments = { edit.id } },
      }
  end
  return { edits = found }
end

local function edit_is_over(id)
  Scripted.edits = vim.tbl_filter(function(edit)
    return edit.id ~= id
  end, Scripted.edits)
end

--- Answer every request that was held back, the oldest first.
function Scripted.release()
  local waiting = Scripted.waiting
  Scripted.waiting = {}
  for _, answer in ipairs(waiting) do
    answer()
  end
end

function Scripted.start(dispatchers)
  Scripted.starts = Scripted.starts + 1
  Scripted.dispatchers = dispatchers
  local closing, number = false, 0
  return {
    request = function(method, params, callback, notify_reply)
      number = number + 1
      local id = number
      Scripted.asked[#Scripted.asked + 1] = { method = method, params = vim.deepcopy(params) }
      local function reply(result)
        vim.schedule(function()
          if notify_reply then
            notify_reply(id)
          end
          callback(nil, result)
        end)
      end
      -- At once, or when `Scripted` lets go of what it holds.
      local function later(result)
        if Scripted.hold then
          table.insert(Scripted.waiting, function()
            reply(result)
          end)
        else
          reply(result)
        end
      end
      if method == 'initialize' then
        later({
          capabilities = Scripted.capabilities or {
            positionEncoding = 'utf-16',
            textDocumentSync = { openClose = true, change = 2 },
            inlineCompletionProvider = vim.empty_dict(),
            experimental = { copilotInlineEditProvider = true },
            executeCommandProvider = { commands = { 'foretype.accepted' } },
            workspace = { workspaceFolders = { supported = true, changeNotifications = true } },
          },
          serverInfo = { name = 'foretype', version = 'scripted' },
        })
      elseif method == 'textDocument/inlineCompletion' then
        later(answer_for(params))
      elseif method == 'textDocument/copilotInlineEdit' then
        later(edits_for(params))
      elseif method == 'workspace/executeCommand' then
        edit_is_over(params.arguments and params.arguments[1])
        local value = Scripted.commands and Scripted.commands[params.command]
        reply(value == nil and vim.NIL or value)
      else
        reply(vim.NIL)
      end
      return true, id
    end,
    notify = function(method, params)
      Scripted.told[#Scripted.told + 1] = { method = method, params = vim.deepcopy(params) }
      if method == 'exit' then
        closing = true
        vim.schedule(function()
          dispatchers.on_exit(0, 15)
        end)
      end
      return true
    end,
    is_closing = function()
      return closing
    end,
    terminate = function()
      closing = true
      vim.schedule(function()
        dispatchers.on_exit(0, 15)
      end)
    end,
  }
end

--- The requests or notifications of a method.
function Scripted.of(list, method)
  return vim.tbl_map(
    function(one)
      return one.params
    end,
    vim.tbl_filter(function(one)
      return one.method == method
    end, list)
  )
end

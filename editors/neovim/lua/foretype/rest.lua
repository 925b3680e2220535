--- Where the cursor rests while nobody writes: the server then has the model read what stands there, so that the
--- first key is answered from all of it. Its state is the timer of the rest that is waited for.

local client = require('foretype.client')

local M = {}

--- A cursor that stays for so many ms rests.
local REST_MS = 300

---@type uv.uv_timer_t|nil
local timer

local function tell(buffer)
  local server = client.get(buffer)
  local writing = vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
  if writing or buffer ~= vim.api.nvim_get_current_buf() or not server or not server.initialized then
    return
  end
  if client.refused(buffer) then
    return
  end
  local place = vim.api.nvim_win_get_cursor(0)
  client.notify(server, 'textDocument/didFocus', {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    position = {
      line = place[1] - 1,
      character = client.character(vim.api.nvim_get_current_line(), place[2], server.offset_encoding),
    },
  })
end

--- The cursor was moved outside of insert mode, or stands in another document.
---@param buffer integer
function M.moved(buffer)
  timer = timer or vim.uv.new_timer()
  local function rested()
    tell(buffer)
  end
  timer:start(REST_MS, 0, vim.schedule_wrap(rested))
end

return M

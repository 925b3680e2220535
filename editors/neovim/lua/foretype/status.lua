--- The few characters that a status line shows about foretype. Pure apart from asking what there is.

local M = {}

local function state(status, refused, index, count)
  if status.state == 'stopped' then
    return ''
  end
  if status.state == 'inactive' or refused then
    return 'foretype off'
  end
  if status.state == 'error' then
    return 'foretype !'
  end
  if status.state == 'loading' or status.state == 'ready' and status.percent then
    -- What is loaded, or read of the file, which suggestions see a part of until then.
    -- Without a percent sign: status lines give that a meaning of its own.
    return status.percent and ('foretype …%d'):format(status.percent) or 'foretype …'
  end
  if status.state == 'busy' then
    return 'foretype …'
  end
  if index and count and count > 1 then
    return ('foretype %d/%d'):format(index, count)
  end
  return 'foretype'
end

---@param status foretype.Status
---@param refused string|nil why the buffer gets no suggestions
---@param index integer|nil
---@param count integer|nil
---@return string
function M.render(status, refused, index, count)
  local text = state(status, refused, index, count)
  local goes = status.elsewhere or ''
  if goes == '' or refused or status.state == 'stopped' or status.state == 'inactive' then
    return text
  end
  return text .. ' → ' .. goes
end

---@return string
function M.line()
  local client, suggest = require('foretype.client'), require('foretype.suggest')
  local buffer = vim.api.nvim_get_current_buf()
  if not client.is_code(buffer) then
    return ''
  end
  local refused = not suggest.enabled and 'off' or client.refused(buffer)
  local index, count = suggest.position()
  return M.render(client.status, refused, index, count)
end

return M

-- What `vim.lsp.enable('foretype')` starts. The user's own `vim.lsp.config('foretype', {…})` wins over it.

return require('foretype.client').defaults()

std = 'luajit'
read_globals = { 'vim' }
globals = { 'vim.bo', 'vim.b', 'vim.g', 'vim.o', 'vim.wo', 'vim.w' }
max_line_length = 120
self = false -- what a completion plugin calls as a method need not use its object

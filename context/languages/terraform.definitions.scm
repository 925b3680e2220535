; See python.definitions.scm.

(block (identifier) (string_lit (template_literal) @name) . (block_start)) @class
(block (identifier) (string_lit (template_literal) @name) . (body)) @class

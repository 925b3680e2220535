; What the workspace's index keeps: `name` is the identifier, and the other capture, the definition's kind, its node.
; A `scope` only lends its name to what stands in it.

(function_definition name: (identifier) @name) @function
(class_definition name: (identifier) @name) @class
(module (expression_statement (assignment left: (identifier) @name)) @constant)
(class_definition body: (block (expression_statement (assignment left: (identifier) @name)) @field))
(type_alias_statement left: (type (identifier) @name)) @type

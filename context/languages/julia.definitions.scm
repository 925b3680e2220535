; See python.definitions.scm.

(function_definition (signature (call_expression . (identifier) @name))) @function
(macro_definition (signature (call_expression . (identifier) @name))) @function
(struct_definition (type_head (identifier) @name)) @struct
(module_definition name: (identifier) @name) @module

; See python.definitions.scm.

(class_definition name: (identifier) @name) @class
(enum_declaration name: (identifier) @name) @enum
(function_signature name: (identifier) @name) @function
(getter_signature name: (identifier) @name) @field
(enum_constant name: (identifier) @name) @constant

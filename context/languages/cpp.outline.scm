; See c.outline.scm.

; Compiled apart from what stands above: compiling holds the interpreter.
(class_specifier name: (type_identifier) @name) @class
(function_definition declarator: (_ declarator: (field_identifier) @name)) @method
; Compiled apart from what stands above: compiling holds the interpreter.
(function_definition declarator: (_ declarator: (_ name: (identifier) @name))) @method
; Compiled apart from what stands above: compiling holds the interpreter.
(field_declaration declarator: (_ declarator: (field_identifier) @name)) @method
(function_definition declarator: (_ declarator: (_ name: (_ name: (identifier) @name)))) @method
(namespace_definition name: (namespace_identifier) @name) @module
(alias_declaration name: (type_identifier) @name) @type

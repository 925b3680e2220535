; What c.definitions.scm finds, and now and then a name more; compiled in a fraction of the time for C++.

(function_definition declarator: (_ declarator: (identifier) @name)) @function
(function_definition declarator: (_ declarator: (_ declarator: (identifier) @name))) @function
(preproc_def name: (identifier) @name) @macro
(preproc_function_def name: (identifier) @name) @macro
; Compiled apart from what stands above: compiling holds the interpreter.
(declaration declarator: (_ declarator: (identifier) @name)) @function
(declaration declarator: (_ declarator: (_ declarator: (identifier) @name))) @function
(enumerator name: (identifier) @name) @constant
; Compiled apart from what stands above: compiling holds the interpreter.
(struct_specifier name: (type_identifier) @name) @struct
(union_specifier name: (type_identifier) @name) @struct
(enum_specifier name: (type_identifier) @name) @enum
; Compiled apart from what stands above: compiling holds the interpreter.
(type_definition declarator: (type_identifier) @name) @type
(field_declaration declarator: (field_identifier) @name) @field

; C and C++; see python.names.scm for what the captures mean.

(identifier) @use
(type_identifier) @type

(preproc_params) @ignore
(attribute_specifier) @ignore
(attribute_declaration) @ignore

; Whether a macro exists is what the preprocessor is asked; its arguments may be new names, or members.
(preproc_ifdef name: (identifier) @ignore)
(preproc_defined (identifier) @ignore)
(preproc_if condition: (_) @ignore)
(preproc_elif condition: (_) @ignore)
((call_expression function: (identifier) @_macro arguments: (argument_list) @ignore)
  (#match? @_macro "^[A-Z][A-Z0-9_]+$|for_?each|Test"))

(declaration declarator: [(identifier) (pointer_declarator) (array_declarator)] @binds)
(init_declarator declarator: (_) @binds)
(parameter_declaration declarator: (_) @binds)
(function_declarator declarator: (_) @binds.outer)
(enumerator name: (_) @binds)
(type_definition declarator: (_) @binds)
(struct_specifier name: (_) @binds)
(union_specifier name: (_) @binds)
(enum_specifier name: (_) @binds)
(preproc_def name: (_) @binds)
(preproc_function_def name: (_) @binds)

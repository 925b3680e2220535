; See python.names.scm for what the captures mean. `binds.words` is an area whose every word is a known name.

(identifier) @use
(type_identifier) @type

(import_spec path: (_) @binds.words)
(import_spec name: (package_identifier) @binds)

(keyed_element . (literal_element (identifier) @ignore))

(short_var_declaration left: (_) @binds)
(range_clause left: (_) @binds)
(receive_statement left: (_) @binds)
(type_switch_statement alias: (_) @binds)
(var_spec name: (identifier) @binds)
(const_spec name: (identifier) @binds)
(parameter_declaration name: (identifier) @binds)
(variadic_parameter_declaration name: (identifier) @binds)
(type_parameter_declaration name: (identifier) @binds)

(function_declaration name: (identifier) @binds.outer)
(type_spec name: (type_identifier) @binds)
(type_alias name: (type_identifier) @binds)

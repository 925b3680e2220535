; See python.names.scm for what the captures mean.

(identifier) @use

(dot_index_expression field: (_) @ignore)
(method_index_expression method: (_) @ignore)
(field name: (identifier) @ignore)
(goto_statement (identifier) @ignore)
(label_statement (identifier) @ignore)

(variable_declaration (assignment_statement (variable_list name: (identifier) @binds)))
(variable_declaration (variable_list name: (identifier) @binds))
(assignment_statement (variable_list name: (identifier) @binds))
(parameters name: (identifier) @binds)
(for_numeric_clause name: (identifier) @binds)
(for_generic_clause (variable_list) @binds)
(function_declaration name: (identifier) @binds.outer)

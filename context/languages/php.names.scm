; Only variables: functions, constants and classes come in unseen. See python.names.scm for the captures.

(variable_name (name) @use)

(simple_parameter name: (variable_name) @binds)
(variadic_parameter name: (variable_name) @binds)
(property_promotion_parameter name: (variable_name) @binds)
(assignment_expression left: (variable_name) @binds)
(assignment_expression left: (list_literal) @binds)
(reference_assignment_expression left: (variable_name) @binds)
(foreach_statement (_) (variable_name) @binds)
(foreach_statement (_) (pair) @binds)
(foreach_statement (_) (by_ref) @binds)
(catch_clause name: (variable_name) @binds)
(anonymous_function_use_clause) @binds
(global_declaration) @binds
(function_static_declaration) @binds
(property_element name: (variable_name) @binds)
(by_ref (variable_name) @binds)

; See python.names.scm for what the captures mean.

(identifier) @use

(using_directive) @ignore
(attribute) @ignore
(qualified_name) @ignore
(namespace_declaration name: (_) @ignore)
(file_scoped_namespace_declaration name: (_) @ignore)
(member_access_expression name: (_) @ignore)
(member_binding_expression name: (_) @ignore)
(argument name: (_) @ignore)
(initializer_expression (assignment_expression left: (identifier) @ignore))
(labeled_statement (identifier) @ignore)

(variable_declarator . (_) @binds)
(parameter name: (_) @binds)
(implicit_parameter) @binds
(foreach_statement left: (_) @binds)
(catch_declaration name: (_) @binds)
(declaration_pattern name: (_) @binds)
(declaration_expression name: (_) @binds)
(var_pattern) @binds
(enum_member_declaration name: (_) @binds)
(type_parameter name: (_) @binds)
(property_declaration name: (_) @binds)
(from_clause name: (_) @binds)
(let_clause . (identifier) @binds)

(method_declaration name: (_) @binds.outer)
(local_function_statement name: (_) @binds.outer)
(constructor_declaration name: (_) @binds.outer)
(class_declaration name: (_) @binds.outer)
(struct_declaration name: (_) @binds.outer)
(interface_declaration name: (_) @binds.outer)
(enum_declaration name: (_) @binds.outer)
(record_declaration name: (_) @binds.outer)
(delegate_declaration name: (_) @binds.outer)

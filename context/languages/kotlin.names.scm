; See python.names.scm for what the captures mean.

(identifier) @use
(user_type (identifier) @type)

(package_header) @ignore
(annotation) @ignore
(navigation_expression (_) (identifier) @ignore)
(value_argument . (identifier) @ignore "=")
(return_expression label: (_) @ignore)
(label) @ignore
(this_expression label: (_) @ignore)
(super_expression label: (_) @ignore)

(import) @binds
(variable_declaration . (identifier) @binds)
(parameter . (identifier) @binds)
(class_parameter (identifier) @binds)
(catch_block . (identifier) @binds)
(type_parameter (identifier) @binds)
(enum_entry . (identifier) @binds)
(type_alias type: (identifier) @binds)

(function_declaration name: (identifier) @binds.outer)
(class_declaration name: (identifier) @binds.outer)
(object_declaration name: (identifier) @binds.outer)

; See python.names.scm for what the captures mean.

(identifier) @use
(type_identifier) @type

(package_declaration) @ignore
(annotation name: (_) @ignore)
(marker_annotation name: (_) @ignore)
(element_value_pair key: (_) @ignore)
(scoped_identifier) @ignore
(scoped_type_identifier) @ignore
(field_access field: (identifier) @ignore)
(method_invocation object: (_) name: (identifier) @ignore)
(method_reference (_) (identifier) @ignore)
(labeled_statement . (identifier) @ignore)
(break_statement (identifier) @ignore)
(continue_statement (identifier) @ignore)
(switch_label (identifier) @ignore)

(import_declaration) @binds
(variable_declarator name: (_) @binds)
(formal_parameter name: (_) @binds)
(catch_formal_parameter name: (_) @binds)
(enhanced_for_statement name: (_) @binds)
(resource name: (_) @binds)
(instanceof_expression name: (_) @binds)
(lambda_expression parameters: (identifier) @binds)
(inferred_parameters) @binds
(pattern) @binds
(enum_constant name: (_) @binds)
(type_parameter . (type_identifier) @binds)

(method_declaration name: (_) @binds.outer)
(constructor_declaration name: (_) @binds.outer)
(class_declaration name: (_) @binds.outer)
(interface_declaration name: (_) @binds.outer)
(enum_declaration name: (_) @binds.outer)
(record_declaration name: (_) @binds.outer)
(annotation_type_declaration name: (_) @binds.outer)

; See python.names.scm for what the captures mean.

(simple_identifier) @use
(type_identifier) @type

(attribute) @ignore
(navigation_suffix) @ignore
(value_argument_label) @ignore
(parameter external_name: (_) @ignore)
(directive) @ignore
(prefix_expression) @ignore
(switch_pattern) @ignore
(tuple_type_item name: (_) @ignore)
(precedence_group_declaration) @ignore
(operator_declaration) @ignore
(availability_condition) @ignore
(key_path_expression) @ignore
(selector_expression) @ignore

(import_declaration) @binds
(pattern bound_identifier: (_) @binds)
(if_statement bound_identifier: (_) @binds)
(guard_statement bound_identifier: (_) @binds)
(while_statement bound_identifier: (_) @binds)
(parameter name: (simple_identifier) @binds)
(lambda_parameter) @binds
(capture_list_item) @binds
(type_parameter . (type_identifier) @binds)
(enum_entry) @binds
(typealias_declaration name: (_) @binds)
(associatedtype_declaration name: (_) @binds)

(function_declaration name: (_) @binds.outer)
(class_declaration name: (_) @binds.outer)
(protocol_declaration name: (_) @binds.outer)

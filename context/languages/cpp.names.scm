(qualified_identifier) @ignore
(template_type) @ignore

(declaration declarator: (reference_declarator) @binds)
(for_range_loop declarator: (_) @binds)
(optional_parameter_declaration declarator: (_) @binds)
(variadic_parameter_declaration) @binds
(type_parameter_declaration) @binds
(optional_type_parameter_declaration) @binds
(lambda_capture_specifier) @binds
(structured_binding_declarator) @binds
(class_specifier name: (_) @binds)
(namespace_definition name: (_) @binds)
(namespace_alias_definition) @binds
(alias_declaration name: (_) @binds)
(using_declaration) @binds
(concept_definition name: (_) @binds)

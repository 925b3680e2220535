(qualified_identifier) @ignore
(template_type) @ignore
(function_definition !type declarator: (function_declarator
  parameters: (parameter_list (parameter_declaration !declarator type: (type_identifier) @ignore))))

(declaration declarator: (reference_declarator) @binds)
(for_range_loop declarator: (_) @binds)
(optional_parameter_declaration declarator: (_) @binds)
(variadic_parameter_declaration) @binds
(type_parameter_declaration) @binds.inside
(variadic_type_parameter_declaration) @binds.inside
(optional_type_parameter_declaration name: (_) @binds.inside)
(lambda_capture_specifier) @binds
(structured_binding_declarator) @binds
(class_specifier name: (_) @binds)
(namespace_definition name: (_) @binds)
(namespace_alias_definition) @binds
(alias_declaration name: (_) @binds)
(using_declaration) @binds
(concept_definition name: (_) @binds)

(field_declaration declarator: (field_identifier) @binds)
(field_declaration declarator: (_ (field_identifier) @binds))
